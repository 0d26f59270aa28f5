"""Open folders of the Hugging Face Hub offline: config.json, weights and preprocessor_config.json, never their code."""
