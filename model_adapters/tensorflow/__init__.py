"""TensorFlow and Keras models: opening them and looking inside."""
