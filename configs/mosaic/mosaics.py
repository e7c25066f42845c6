"""Mosaics of twelve groups of ImageNet classes for all configs of this folder.

Four pictures of 96 x 96 pixels make one of 192 x 192. One to three of them are of different groups;
the others show things, rooms and buildings that are in none. The pictures are ImageNet's, one a
class, and are parted before mosaics are made of them: 70 % are for training, 10 % for validation
and 20 % for the test, so that a test mosaic has no picture, and none of the ImageNet classes, that
was trained on.
"""

import dataclasses

from configs import data_folder
from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.folder import Folder, Listed
from xai_jax.data.mosaic import Mosaics
from xai_jax.data.shuffled import Shuffled

GROUPS = {  # ours: numbers of ImageNet's classes, first-last
    "dogs": "151-268",
    "birds": "7-24 80-100 127-133 135-146",
    "reptiles": "33-50 52-68",
    "insects": "300-326",
    "cats": "281-293",
    "fish": "0-4 389 391-397",
    "primates": "365-384",
    "ungulates": "339-355",
    "cars": "407 436 468 511 555 569 609 627 654 656 661 675 717 734 751 757 779 817 864 867 874",
    "instruments": "401-402 420 432 486 494 513 541 546 558 566 577 579 593-594 641-642 683-684 687"
    " 699 776 822 875 881 889",
    "food": "924-957 959-960 962-967 969",
    "boats": "403 472 484 510 554 576 625 628 724 780 814 871 914",
}
OTHER = "other"
OTHERS = (
    "398 404-406 409 412 414 419 421-424 426 429 434-435 437-438 446-447 449 453-455 463-464 470"
    " 473 477-478 480-483 488-489 493 495 497-498 500 505-508 516 525-528 530-531 538-539 543 545"
    " 549 556 562-563 571 580 585 587 590-592 604 606 611 613 616 618-622 629 633 635 637 640 644"
    " 646-649 651 658 663-664 668 673 677 681-682 688 692 695-696 698 700 703-704 706 709-711 713"
    " 716 720-721 731-732 735 740 742 748 750 753-755 758-761"
)
PARTS = {"train": (0.0, 0.7), "validation": (0.7, 0.8), "test": (0.8, 1.0)}
NUM = {"train": 100_000, "validation": 96, "test": 96}


def numbers(ranges: str) -> tuple[int, ...]:
    """The text ``3 5-7`` is (3, 5, 6, 7)."""
    ends = [word.split("-") for word in ranges.split()]
    return tuple(n for end in ends for n in range(int(end[0]), int(end[-1]) + 1))


def groups() -> dict[str, tuple[int, ...]]:
    """The numbers of ImageNet's classes by group."""
    return {name: numbers(ranges) for name, ranges in GROUPS.items()}


_OTHERS = {OTHER: numbers(OTHERS)}


def _mosaics(split: str) -> Mosaics:
    return Mosaics(
        source=Folder(
            root=data_folder.path("imagenet_samples"),
            labels=Listed(column="imagenet_index"),
            classes={name: tuple(map(str, of)) for name, of in (groups() | _OTHERS).items()},
            drop_empty=True,
        ),
        size=192,
        num=NUM[split],
        other=OTHER,
        others=(1, 3),
        part=PARTS[split],
        vary=0.4 if split == "train" else 0.0,
    )


PICTURES = Pictures(
    of_split=_mosaics,
    size=Preprocess(height=192, width=192),
    class_names=tuple(GROUPS),
    num_threads=2,
)


def _shuffled(split: str) -> Mosaics:
    mosaics = _mosaics(split)
    return dataclasses.replace(mosaics, source=Shuffled(source=mosaics.source))


SHUFFLED = dataclasses.replace(PICTURES, of_split=_shuffled)  # tiles with labels of other pictures
