"""Networks that label every pixel: what they return, and regions whose mean score is explained."""
