"""The questions about a file; importing them registers them."""

from xai_core.services.parsing.questions import open_picture as open_picture
from xai_core.services.parsing.questions import propose_columns as propose_columns
from xai_core.services.parsing.questions import read_curves as read_curves
from xai_core.services.parsing.questions import read_history as read_history
from xai_core.services.parsing.questions import read_label_map as read_label_map
from xai_core.services.parsing.questions import read_labels as read_labels
from xai_core.services.parsing.questions import read_picture_set as read_picture_set
from xai_core.services.parsing.questions import read_predictions as read_predictions
from xai_core.services.parsing.questions import warm_up as warm_up
