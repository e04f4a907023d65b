"""The one way in which this implementation says no: a layer and an error of ../../vectors/README.md."""


class Refused(Exception):
    """A value, message, object, proof … that SPEC.md tells its receiver to refuse."""

    def __init__(self, layer: str, error: str) -> None:
        super().__init__(f"{layer}: {error}")
        self.layer = layer
        self.error = error
