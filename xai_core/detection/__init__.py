"""Why a detector drew a box: targets, methods and what they share."""
