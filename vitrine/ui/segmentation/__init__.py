"""What the Model and Explain pages show of networks that label every pixel."""
