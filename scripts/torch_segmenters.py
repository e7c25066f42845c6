"""The networks that draw masks as plain PyTorch modules, with PyTorch's names, to compare with."""
# ruff: noqa: D101, D102, D103

import math

import torch
from torch import nn
from torch.nn import functional as F

from scripts.torch_references import ResNet50


def conv_norm_relu(inputs, outputs, kernel, dilation=1):
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Backbone(ResNet50):
    """Stages 3 and 4 dilated: the first blocks by 1 and 2, the others by 2 and 4."""

    def __init__(self):
        super().__init__()
        del self.fc
        for stage, first, others in ((self.layer3, 1, 2), (self.layer4, 2, 4)):
            for index, block in enumerate(stage):
                dilation = first if index == 0 else others
                block.conv2.stride = (1, 1)
                block.conv2.dilation = block.conv2.padding = (dilation, dilation)
            stage[0].downsample[0].stride = (1, 1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        windows = [conv_norm_relu(2048, 256, 3, rate) for rate in (12, 24, 36)]
        whole = nn.Sequential(nn.AdaptiveAvgPool2d(1), *conv_norm_relu(2048, 256, 1))
        self.convs = nn.ModuleList([conv_norm_relu(2048, 256, 1), *windows, whole])
        self.project = nn.Sequential(*conv_norm_relu(1280, 256, 1), nn.Dropout(0.5))

    def forward(self, x):
        *local, whole = [branch(x) for branch in self.convs]
        whole = F.interpolate(whole, x.shape[2:], mode="bilinear", align_corners=False)
        return self.project(torch.cat([*local, whole], dim=1))


class DeepLab(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.backbone = Backbone()
        self.classifier = nn.Sequential(
            Pyramid(), *conv_norm_relu(256, 256, 3), nn.Conv2d(256, classes, 1)
        )

    def forward(self, x):
        logits = self.classifier(self.backbone(x))
        return F.interpolate(logits, x.shape[2:], mode="bilinear", align_corners=False)


class SameConv(nn.Conv2d):
    """Padded as TensorFlow does: the odd pixel at the bottom and the right."""

    def forward(self, x):
        kernel, stride = self.kernel_size[0], self.stride[0]
        pads = [max((math.ceil(n / stride) - 1) * stride + kernel - n, 0) for n in x.shape[2:]]
        rows, columns = ((n // 2, n - n // 2) for n in pads)
        return super().forward(F.pad(x, (*columns, *rows)))


class InvertedBottleneck(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        if expansion > 1:
            self._expand_conv = nn.Conv2d(inputs, hidden, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(hidden, eps=1e-3)
        self._depthwise_conv = SameConv(hidden, hidden, kernel, stride, groups=hidden, bias=False)
        self._bn1 = nn.BatchNorm2d(hidden, eps=1e-3)
        self._project_conv = nn.Conv2d(hidden, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs, eps=1e-3)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x):
        hidden = F.relu6(self._bn0(self._expand_conv(x))) if hasattr(self, "_bn0") else x
        hidden = F.relu6(self._bn1(self._depthwise_conv(hidden)))
        out = self._bn2(self._project_conv(hidden))
        return out + x if self.has_shortcut else out


class Lite0Trunk(nn.Module):
    def __init__(self):
        super().__init__()
        self._conv_stem = SameConv(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3)
        plan = [(32, 16, 3, 1, 1), (16, 24, 3, 2, 6), (24, 24, 3, 1, 6), (24, 40, 5, 2, 6),
                (40, 40, 5, 1, 6), (40, 80, 3, 2, 6), (80, 80, 3, 1, 6), (80, 80, 3, 1, 6),
                (80, 112, 5, 1, 6), (112, 112, 5, 1, 6), (112, 112, 5, 1, 6),
                (112, 192, 5, 2, 6), *[(192, 192, 5, 1, 6)] * 3]  # fmt: skip
        self._blocks = nn.ModuleList([InvertedBottleneck(*entry) for entry in plan])

    def forward(self, x):
        x = F.relu6(self._bn0(self._conv_stem(x)))
        outputs = []
        for block in self._blocks:
            x = block(x)
            outputs.append(x)
        return [outputs[index] for index in (0, 2, 4, 10, 14)]


class Light(nn.Module):
    def __init__(self, classes, width=64):
        super().__init__()
        self.trunk = Lite0Trunk()
        for scale, channels in enumerate((16, 24, 40, 112, 192)):
            self.add_module(f"lateral{scale}", nn.Conv2d(channels, width, 1, bias=False))
            self.add_module(f"lateral{scale}_norm", nn.BatchNorm2d(width))
        for scale in range(4):
            near = SameConv(width, width, 3, groups=width, bias=False)
            self.add_module(f"near{scale}", near)
            self.add_module(f"mix{scale}", nn.Conv2d(width, width, 1, bias=False))
            self.add_module(f"mix{scale}_norm", nn.BatchNorm2d(width))
        self.classes = nn.Conv2d(width, classes, 1)

    def conv_norm(self, name, x):
        return self.get_submodule(f"{name}_norm")(self.get_submodule(name)(x))

    def forward(self, images):
        *finer, coarsest = self.trunk(images)
        x = F.relu(self.conv_norm("lateral4", coarsest))
        for scale in (3, 2, 1, 0):
            skip = finer[scale]
            up = F.interpolate(x, skip.shape[2:], mode="bilinear", align_corners=False)
            x = F.relu(up + self.conv_norm(f"lateral{scale}", skip))
            x = F.relu(self.conv_norm(f"mix{scale}", self.get_submodule(f"near{scale}")(x)))
        logits = self.classes(x)
        return F.interpolate(logits, images.shape[2:], mode="bilinear", align_corners=False)
