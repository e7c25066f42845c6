"""The classifiers as plain PyTorch modules with torchvision's parameter names, to compare with."""
# ruff: noqa: D101, D102

import torch
from torch import nn
from torch.nn import functional as F


class Vgg16(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        plan = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", *[512, 512, 512, "M"] * 2]
        modules, inputs = [], 3
        for entry in plan:
            if entry == "M":
                modules.append(nn.MaxPool2d(2, 2))
            else:
                modules += [nn.Conv2d(inputs, entry, 3, padding=1), nn.ReLU()]
                inputs = entry
        self.features = nn.Sequential(*modules)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 49, 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, classes),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class AlexNet(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(256 * 36, 4096), nn.ReLU(),
            nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(),
            nn.Linear(4096, classes),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride, downsample):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = None
        if downsample:
            shortcut = nn.Conv2d(inputs, 4 * width, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(4 * width))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + shortcut)


class ResNet50(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for index, (count, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)]):
            blocks = []
            for block in range(count):
                stride = 2 if index > 0 and block == 0 else 1
                blocks.append(Bottleneck(inputs, width, stride, downsample=block == 0))
                inputs = 4 * width
            setattr(self, f"layer{index + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(2048, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class ResNet50VggFace2(nn.Module):
    """Caffe's: the stride in the first 1x1 convolution; the names of ``resnet50_ft_dag.pth``."""

    def __init__(self, classes=8631):
        super().__init__()
        self._layer("conv1_7x7_s2", 3, 64, 7)
        self.blocks, inputs = [], 64  # (beginning of its names, stride, has a projection)
        for stage, (count, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)], start=2):
            for block in range(1, count + 1):
                at = f"conv{stage}_{block}_"
                self._layer(f"{at}1x1_reduce", inputs, width, 1)
                self._layer(f"{at}3x3", width, width, 3)
                self._layer(f"{at}1x1_increase", width, 4 * width, 1)
                if block == 1:
                    self._layer(f"{at}1x1_proj", inputs, 4 * width, 1)
                self.blocks.append((at, 2 if stage > 2 and block == 1 else 1, block == 1))
                inputs = 4 * width
        self.classifier = nn.Conv2d(2048, classes, 1)

    def _layer(self, name, inputs, outputs, side):
        setattr(self, name, nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=False))
        setattr(self, f"{name}_bn", nn.BatchNorm2d(outputs))

    def _run(self, name, x, stride=1):
        own = getattr(self, name)
        x = F.conv2d(x, own.weight, stride=stride, padding=own.padding)
        return getattr(self, f"{name}_bn")(x)

    def forward(self, x):
        x = F.relu(self._run("conv1_7x7_s2", x, 2))
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        for at, stride, projects in self.blocks:
            way = F.relu(self._run(f"{at}1x1_reduce", x, stride))
            way = self._run(f"{at}1x1_increase", F.relu(self._run(f"{at}3x3", way)))
            x = F.relu(way + (self._run(f"{at}1x1_proj", x, stride) if projects else x))
        return torch.flatten(self.classifier(F.adaptive_avg_pool2d(x, 1)), 1)


class DenseLayer(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, 128, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(128)
        self.conv2 = nn.Conv2d(128, 32, 3, padding=1, bias=False)

    def forward(self, x):
        hidden = self.conv1(F.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(F.relu(self.norm2(hidden)))], 1)


class Transition(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = nn.Conv2d(inputs, inputs // 2, 1, bias=False)

    def forward(self, x):
        return F.avg_pool2d(self.conv(F.relu(self.norm(x))), 2, 2)


class DenseNet121(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False))
        self.features.add_module("norm0", nn.BatchNorm2d(64))
        self.features.add_module("relu0", nn.ReLU())
        self.features.add_module("pool0", nn.MaxPool2d(3, 2, padding=1))
        channels = 64
        for block, count in enumerate([6, 12, 24, 16], start=1):
            stack = nn.Sequential()
            for layer in range(1, count + 1):
                stack.add_module(f"denselayer{layer}", DenseLayer(channels))
                channels += 32
            self.features.add_module(f"denseblock{block}", stack)
            if block < 4:
                self.features.add_module(f"transition{block}", Transition(channels))
                channels //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(F.relu(self.features(x)), 1)
        return self.classifier(torch.flatten(x, 1))


class BasicConv2d(nn.Module):
    def __init__(self, inputs, outputs, **settings):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, bias=False, **settings)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    def __init__(self, inputs, one, reduce2, window2, reduce3, window3, pooled):
        super().__init__()
        window = {"kernel_size": 3, "padding": 1}
        self.branch1 = BasicConv2d(inputs, one, kernel_size=1)
        self.branch2 = nn.Sequential(
            BasicConv2d(inputs, reduce2, kernel_size=1), BasicConv2d(reduce2, window2, **window)
        )
        self.branch3 = nn.Sequential(
            BasicConv2d(inputs, reduce3, kernel_size=1), BasicConv2d(reduce3, window3, **window)
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, 1, padding=1, ceil_mode=True),
            BasicConv2d(inputs, pooled, kernel_size=1),
        )

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionAux(nn.Module):
    def __init__(self, inputs, classes):
        super().__init__()
        self.conv = BasicConv2d(inputs, 128, kernel_size=1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, classes)


class GoogLeNet(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        self.conv1 = BasicConv2d(3, 64, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = BasicConv2d(64, 64, kernel_size=1)
        self.conv3 = BasicConv2d(64, 192, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.maxpool3 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.maxpool4 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.aux1 = InceptionAux(512, classes)
        self.aux2 = InceptionAux(528, classes)
        self.fc = nn.Linear(1024, classes)

    def forward(self, x):
        """With `transform_input`: eats ImageNet's normalisation, as the pretrained network does."""
        statistics = ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))
        x = torch.stack(
            [
                x[:, i] * (std / 0.5) + (mean - 0.5) / 0.5
                for i, (mean, std) in enumerate(statistics)
            ],
            dim=1,
        )
        x = self.maxpool2(self.conv3(self.conv2(self.maxpool1(self.conv1(x)))))
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        x = self.inception4c(self.inception4b(self.inception4a(x)))
        x = self.maxpool4(self.inception4e(self.inception4d(x)))
        x = self.inception5b(self.inception5a(x))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))
