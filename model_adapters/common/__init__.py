"""What several adapters use: trial inputs, the shapes of outputs, COCO's classes, the number of threads."""
