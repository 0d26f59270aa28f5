"""Labels that are typed travel as text, and are checked before a model opens."""

from __future__ import annotations

import pytest

from model_adapters.common.typed_labels import MOST_LABELS, TypedLabels
from xai_core.errors import ParamError


def test_labels_come_back_from_a_source_as_they_were_typed():
    typed = TypedLabels.of(["a  cat", "dog"], "an {} photo")
    again = TypedLabels.from_text(typed.choice.to_text())
    assert (again.names, again.texts) == (("a cat", "dog"), ("a cat photo", "an dog photo"))


def test_the_article_of_a_prompt_gives_way_to_one_of_the_label():
    typed = TypedLabels("cat\nan owl\nThe dog\nthesis")
    assert typed.texts == ("a photo of a cat", "a photo of an owl", "a photo of The dog", "a photo of a thesis")


def test_probabilities_that_add_up_to_1_need_two_labels():
    one, two = TypedLabels("cat"), TypedLabels("cat\ndog")
    assert TypedLabels().too_few(None) == "Type at least one label, one per line."
    assert one.too_few("softmax", "CLIPModel") == (
        "CLIPModel needs at least two labels, since their probabilities add up to 1; got 1."
    )
    assert (one.too_few("sigmoid"), one.too_few(None), two.too_few("softmax")) == ("", "", "")


def test_nothing_typed_is_no_choice():
    assert TypedLabels.from_text("").names == ()
    assert TypedLabels.of(["cat"]).texts == ("a photo of a cat",)


@pytest.mark.parametrize(
    ("labels", "prompt", "sentence"),
    [
        ("cat", "no place", "A prompt needs {} exactly once"),
        ("cat", "{} or {}", "A prompt needs {} exactly once"),
        ("cat\ndog\ncat", "{}", "'cat' appears twice"),
        ("x" * 301, "{}", "at most 300 characters"),
        ("\n".join(map(str, range(MOST_LABELS + 1))), "{}", "At most 1,000 labels are allowed; got 1,001"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(labels, prompt, sentence):
    with pytest.raises(ParamError) as refused:
        TypedLabels(labels, prompt)
    assert sentence in str(refused.value)
