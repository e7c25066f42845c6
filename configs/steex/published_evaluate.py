"""STEEX as published, on the pictures that its paper explains: success and what it moved.

    python evaluate.py --config=configs/steex/published_evaluate.py --workdir=runs/celeba_scores

of CelebA's smiles; `:celeba_young`, `:celebamask_hq`, `:celebamask_hq_young` and `:bdd` too. It
needs what published_classifier.py, published_segmenter.py and published_sean.py leave; label maps
are predicted. Which region decides is not known: "names it" is how often the mouth, the skin or the
traffic light is what moved most. For a GPU.

FID, sFID, KID and likeness are by the features of ImageNet's EfficientNet-Lite2; the published FID
is of Inception's, whose weights are not here: hand a classifier that has them to `metrics.fid`. Of
`:bdd`, whose split has 1,000 pictures, there is no FID and no sFID, which need 2,048.
MNAC needs an oracle of many attributes, one logit each: `:celeba:ORACLE.safetensors` asks what
published_oracle.py has left, say. LPIPS needs torchvision's weights of VGG-16, and FVA the released
ones of VGGFace2's ResNet-50, in the place of Lite2's likeness:
`:celeba:ORACLE.safetensors:vgg16.pth:resnet50_ft_dag.pth`, of which any may be left out,
`:celeba::vgg16.pth`. Oracle and VGGFace2 see pictures of 224 x 224.

Expect no figure: no run here has measured one.
"""

from configs import recipes
from configs.steex import evaluations, published_classifier, recipe
from configs.steex.published import SCENES
from configs.steex.published_oracle import SIDE
from xai_jax.classifiers import lpips
from xai_jax.classifiers.pretrained import Named
from xai_jax.metrics.distributions import mean_features
from xai_jax.metrics.fid import fid
from xai_jax.metrics.likeness import attributes_changed, likeness, perceptual
from xai_jax.runtime.files import place
from xai_jax.scoring.evaluation import Evaluation


def get_config(which: str = "celeba") -> Evaluation:
    """The evaluation; "KEY:FILE:FILE:FILE" is a key of SCENES, oracle, VGG-16 and VGGFace2."""
    which, oracle, vgg16, vggface2 = [*which.split(":"), "", "", ""][:4]
    scenes = recipes.named(which, SCENES)
    data = recipe.with_predicted(scenes.shown.once(scenes.explained), scenes.segmenter)
    runs = f"runs/{which}_classifier", f"runs/{which.removesuffix('_young')}_sean"
    trained = published_classifier.get_config(which)
    made = evaluations.scores(trained, data, runs, scenes.regions, scenes.decides)
    lite2 = evaluations.judge()
    if which != "bdd":  # too few pictures
        made.metrics += (fid("lite2", mean_features, lite2),)
    if vggface2:
        judge = Named(name="resnet50_vggface2", weights=vggface2).build()
        made.metrics += (likeness(judge, size=(SIDE, SIDE)),)
    else:
        made.metrics += (likeness(lite2),)
    if oracle:
        made.metrics += (attributes_changed(Named(name=oracle).build(), size=(SIDE, SIDE)),)
    if vgg16:
        made.metrics += (perceptual("lpips", lpips.load(place(vgg16))),)
    made.resamples = 0  # thousands of pictures, of which each of KID's resamples compares all pairs
    return made
