"""One contestant: explained once into a results folder, from which its masks are read."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from xai_jax import report
from xai_jax.core.content import as_json, to_json
from xai_jax.core.method import Inspector
from xai_jax.core.outputs import CLASS_KEEP, Output
from xai_jax.core.precision import computed
from xai_jax.data.example import digest
from xai_jax.runs.asked import Run
from xai_jax.runs.run import Outcome, Progress, run
from xai_jax.runtime import distributed, results
from xai_jax.runtime import manifest as manifests
from xai_jax.runtime.manifest import Manifest
from xai_jax.scoring import items
from xai_jax.scoring.evaluation import Contestant
from xai_jax.scoring.items import Item, Items
from xai_jax.scoring.masks import Stored
from xai_jax.scoring.stage import Stage, fingerprint
from xai_jax.scoring.trained import abstract_batch


class Entrant:
    """A contestant on a stage; all that could be wrong with it has been checked."""

    def __init__(
        self, name: str, contestant: Contestant, inspector: Inspector, stage: Stage, workdir: Path
    ) -> None:
        """Compiles and writes nothing.

        Args:
            name: of the row, and of the folder of its explanations.
            contestant: which of its maps is judged, and on how many pictures.
            inspector: who explains.
            stage: on what.
            workdir: of the evaluation.

        Raises:
            ValueError: its masks have another size than the pictures, or its weights do not fit.
        """
        self.name, self.contestant, self.stage = name, contestant, stage
        self.inspector, self.folder = inspector, workdir / name
        self.state = fingerprint(inspector.weights)
        self.rows = stage.shown[: contestant.num_pictures]
        self.specific = items.specific_rows(stage, self.rows, contestant.num_specific)
        self.items = self._items()
        self.manifest = self._manifest()
        self.how = Run(
            inspector=inspector,
            target=np.array([item.target for item in self.items], np.int32),
            key=stage.key,
            batch_size=stage.batch_size,
            image_shape=stage.image_shape,
            mesh=stage.mesh,
            decisions=True,
        )
        self.how.check()

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What its explanations hold beside target and saliency."""
        return self.inspector.method.build().outputs

    @property
    def settings(self) -> dict[str, Any]:
        """All that its explanations depend on, besides what all contestants share."""
        return as_json({"contestant": {"method": self.inspector.method}, "state": self.state})

    @property
    def num_true(self) -> int:
        """Explanations that the masks of all true classes of its pictures take."""
        known = self.stage.known
        asked = [(known[item.row].labels > 0, item.target) for item in self.items]
        return sum(bool(true[target] or not true.any()) for true, target in asked)

    def explained(self, row: int) -> str:
        """A digest of what the masks of a data row are made of; "" where it cannot be read."""
        known = self.stage.known[row]
        specific = row in self.specific
        mask = as_json([self.contestant.mask, self.contestant.stretched])
        return known.picture and digest(f"{known.picture} {mask} {specific}".encode())

    def explain(self, progress: Progress) -> Outcome:
        """Explains what is not explained yet, or has changed since."""
        source, names = Items(self.stage, self.items), tuple(self.stage.data.class_names)
        outcome = run(self.folder, self.manifest, self.how, source, names, progress)
        is_written = (self.folder / "report.html").exists()
        if distributed.is_first() and (outcome.seconds or not is_written):
            report.write(self.folder)
        return outcome

    def stored(self, per_class: bool = False) -> tuple[Stored, dict[int, str]]:
        """Its masks, and why data rows have none.

        Args:
            per_class: whether those of each true class are wanted by themselves.
        """
        found = results.load(self.folder)
        skipped = {
            item.row: row.reason
            for item, row in zip(self.items, found.summary, strict=True)
            if row is not None and row.status == "skipped"
        }
        masks = Stored(
            stage=self.stage,
            results=found,
            items=self.items,
            read=self.contestant.mask,
            stretched=self.contestant.stretched,
            specific=frozenset(self.specific),
            per_class=per_class,
        )
        return masks, skipped

    def _items(self) -> tuple[Item, ...]:
        at_once = self._draws_every_class()
        if at_once:
            return items.of_pictures(self.stage, self.rows)
        return items.of_classes(self.stage, self.rows, self.specific)

    def _draws_every_class(self) -> bool:
        """Whether one explanation holds the masks of all classes."""
        method, mask = self.inspector.method.build(), self.contestant.mask
        batch = abstract_batch(self.stage, self.stage.size)

        def masks(weights, frozen, batch, key):
            return mask(method.explain(weights, frozen, batch, key))

        inspector = self.inspector
        shape = jax.eval_shape(
            masks, inspector.weights, inspector.frozen, batch, self.stage.key
        ).shape
        sides, num_classes = batch.images.shape[:3], self.stage.num_classes
        if shape not in ((*sides, 1), (*sides, num_classes)):
            raise ValueError(
                f"The masks of {self.name} have the shape {list(shape)} where {[*sides, 1]} or "
                f"{[*sides, num_classes]} are wanted; check its mask and its method."
            )
        return CLASS_KEEP in method.outputs and shape[3] == num_classes

    def _manifest(self) -> Manifest:
        method, frozen = self.inspector.method, self.inspector.frozen
        resize = getattr(self.stage.data, "resize", None)
        return Manifest(
            method=_kind(method),
            preset="",
            config=to_json(method) if dataclasses.is_dataclass(method) else {},
            infill=frozen.infill.name,
            infill_config={
                **json.loads(frozen.infill.settings or "{}"),
                "sha256": self.stage.fingerprint(frozen.infill),
            },
            classifier=_kind(computed(frozen.classifier.apply_fn, "float32")),
            weights_sha256=self.stage.fingerprint(frozen.classifier),
            generator_sha256=self._generator_sha256(),
            checkpoint_sha256=self.state if jax.tree.leaves(self.inspector.weights) else None,
            preprocess={} if resize is None else to_json(resize),
            target="truth",
            seed=self.stage.seed,
            batch_size=self.stage.batch_size,
            precision=frozen.classifier.precision,
            pictures=tuple(item.name for item in self.items),
            digests=tuple(item.digest for item in self.items),
            computed_with=manifests.computed_with(),
            **manifests.of_regions(frozen.generator),
        )

    def _generator_sha256(self) -> str | None:
        generator = self.inspector.frozen.generator
        return None if generator is None else self.stage.fingerprint(generator)

    def check_folder(self) -> None:
        """Raises ValueError where its folder holds other explanations."""
        if not (self.folder / manifests.NAME).exists():
            return
        difference = manifests.difference(manifests.read(self.folder), self.manifest)
        if difference:
            raise ValueError(
                f"{self.folder} was explained with other settings: {difference}; "
                "remove that folder, or choose another --workdir."
            )


def _kind(of: Any) -> str:
    """The folder of a method or a function, without ours in front."""
    module = getattr(of, "__module__", type(of).__module__)
    parts = module.removeprefix("xai_jax.").split(".")
    return parts[1] if module.startswith("xai_jax.") and len(parts) > 1 else module
