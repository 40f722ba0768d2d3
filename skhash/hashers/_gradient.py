"""What hashers trained by gradient share: their parameters, their fit and their encoding."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skhash.base import BaseHasher
from skhash.hashers._identity import fit_identity
from skhash.hashers._images import holds_images, validate_images
from skhash.networks import Training
from skhash.similarity._evaluate import check_callable
from skhash.utils._ranges import MAX_BITS
from skhash.utils._whole_fit import EarlyEnd

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9 has no callbacks; fitting works without them

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in where scikit-learn has no callbacks."""

        def _init_callback_context(self, **kwargs):
            return None

    def with_callbacks(method):
        """Return the method as it is: there are no callbacks to tear down."""
        return method


__all__ = ["GradientHasher", "with_callbacks"]

# rows a step when encoding: large enough to be fast, small enough to bound memory
_ENCODE_ROWS = 8192


def _same(module):
    return module


class GradientHasher(CallbackSupportMixin, BaseHasher):
    """Base class of the hashers that train a network.

    A subclass calls `_train` in its ``fit`` with the `Task` to train on, and `_conclude` at the
    end of it. The weights are kept as numpy arrays in ``network_state_``; torch is imported when
    fitting and encoding only.

    A subclass that takes images as X says so in `_takes_images`. It then has the attribute
    ``input_shape_``, their (height, width, n_channels), after a fit on images; ``n_features_in_``
    is the number of numbers an image has.
    """

    _takes_images: ClassVar[bool] = False
    input_shape_: tuple[int, int, int]

    architecture_: dict[str, Any]
    network_state_: dict[str, np.ndarray]
    objective_state_: dict[str, np.ndarray]

    # rounding depends on the order in memory, and training makes much of little
    _validation: ClassVar[dict[str, Any]] = {**BaseHasher._validation, "order": "C"}
    _parameter_constraints: ClassVar[dict[str, list]] = {
        "n_bits": [Interval(Integral, 1, MAX_BITS, closed="both")],
        "network": [StrOptions({"linear", "mlp"}), callable],
        "hidden_layer_sizes": ["array-like"],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "training": [Training, None],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "store_codes": ["boolean"],
    }

    def _architecture(self) -> dict[str, Any]:
        sizes = tuple(np.atleast_1d(self.hidden_layer_sizes).tolist())
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            raise ValueError(
                "hidden_layer_sizes must hold positive whole numbers, got "
                f"{self.hidden_layer_sizes!r}"
            )
        architecture = {
            "network": self.network,
            "hidden_layer_sizes": sizes,
            "dropout": self.dropout,
        }
        if hasattr(self, "input_shape_"):
            architecture["input_shape"] = self.input_shape_
        return architecture

    def _training(self):
        return Training() if self.training is None else self.training

    def _validate_params(self):
        similarity = getattr(self, "similarity", "auto")
        if not (isinstance(similarity, str) and similarity == "auto"):
            # before scikit-learn, which has no hints
            check_callable(similarity, "similarity", "'auto' or a callable")
        super()._validate_params()
        self._training()._validate_params()

    def _validate(self, X, y="no_validation", *, reset, **options):
        if not (isinstance(y, str) and y == "no_validation"):
            # batch statistics and pairs need two rows
            options = {"multi_output": True, "ensure_min_samples": 2, **options}
        was_images = not reset and hasattr(self, "input_shape_")
        if not (was_images or holds_images(X)):
            if reset:
                self.__dict__.pop("input_shape_", None)
            return super()._validate(X, y, reset=reset, **options)
        shape = np.shape(X)
        if not reset:
            self._check_input_shape(shape)
        else:
            self._check_images_wanted(shape)
        checked = validate_images(self, X, y, **options)
        self._check_range(checked[0] if isinstance(checked, tuple) else checked, fitting=reset)
        if reset:
            self.input_shape_ = tuple(int(side) for side in shape[1:])
            self.n_features_in_ = int(np.prod(self.input_shape_))
            self.__dict__.pop("feature_names_in_", None)
        return checked

    def _check_images_wanted(self, shape):
        network = self.network
        if not self._takes_images:
            raise ValueError(
                f"{type(self).__name__} takes rows of features, (n_samples, n_features), and X "
                f"has shape {shape}: make features of images first"
            )
        if not callable(network):
            raise ValueError(
                f"network={network!r} takes rows of features, and X has shape {shape}: for images "
                "give a network that takes them, such as skhash.networks.resnet()"
            )

    def _check_input_shape(self, shape):
        wanted = getattr(self, "input_shape_", None)
        if shape[1:] != wanted:
            sides = "n_features" if wanted is None else ", ".join(map(str, wanted))
            raise ValueError(
                f"X has shape {shape}, but {type(self).__name__} was fitted on X of shape "
                f"(n_samples, {sides})"
            )

    def _train(self, X, y, task, *, resume=None, **changes):
        """Train on a task and set the fitted attributes that all gradient hashers have.

        `y` is what a checkpoint must agree on, besides X and the parameters. `resume` is whether
        to start from the weights of the last fit, where there are any, as ``warm_start`` says if
        it is None; `changes` to the training options hold for this call. Returns the record of
        the training, for `_conclude`.
        """
        from skhash._torch.fitting import fit_network
        from skhash._torch.processes import processes_of
        from skhash.utils._devices import resolve_device

        processes = processes_of(resolve_device(self.device))
        architecture = task.architecture(self._architecture())
        initial = None
        if (self.warm_start if resume is None else resume) and hasattr(self, "network_state_"):
            self._check_warm_start(architecture)
            initial = (task.trained(self.network_state_), self.objective_state_)
        training, identity = self._training(), {}
        if training.checkpoint is not None or processes.size > 1:
            self._check_fixed_seed()
            identity = fit_identity(self, training, X, y)
        options = self._training_options(identity=identity, **changes)
        context = self._init_callback_context(max_subtasks=options.max_iter)
        after_epoch = None
        if context is not None:
            context.call_on_fit_task_begin(estimator=self, X=X)
            after_epoch = partial(self._after_epoch, context, X, task, architecture)
        fitted = fit_network(
            X, task, options, architecture, initial=initial, after_epoch=after_epoch
        )
        self.n_bits_ = int(self.n_bits)
        try:
            if not fitted.record.interrupted:
                task.settle(X, architecture, partial(self._train_aside, options, architecture))
        except KeyboardInterrupt:
            if processes.size > 1:  # the others are elsewhere, and would wait for this one
                raise
            fitted.record.interrupted = True
            warnings.warn(
                'fit interrupted: settings that are "auto" are the same for all data',
                ConvergenceWarning,
                stacklevel=2,
            )
        found, state = task.complete(X, architecture, fitted.network_state)
        # machines may round the closed-form steps after training differently; the network is the
        # same, and one of the user's own may not be sent
        network = {"network": found["network"]}
        found, state, objective_state = processes.of_first(
            ({**found, "network": None}, state, fitted.objective_state)
        )
        self.architecture_ = found | network
        self.network_state_, self.objective_state_ = state, objective_state
        processes.finish()
        self.device_ = fitted.device
        self.loss_curve_ = fitted.record.loss
        self.loss_terms_ = fitted.record.terms
        self.validation_loss_curve_ = fitted.record.validation_loss or None
        self.n_iter_ = len(fitted.record.loss)
        self.best_iter_ = fitted.record.best_iter
        if context is not None:
            context.call_on_fit_task_end(estimator=self, X=X)
        return fitted.record

    def _conclude(self, record):
        """The last that a fit does, once all fitted attributes are set.

        The checkpoint is not needed from here on; an interrupt of the training goes on.
        """
        if record.interrupted:
            raise EarlyEnd
        checkpoint = self._training().checkpoint
        if checkpoint is not None:
            Path(checkpoint).unlink(missing_ok=True)

    def _train_aside(self, options, architecture, X, task, n_fit, *, max_iter, seed):
        """See `Task.settle`."""
        from skhash._torch.fitting import fit_network

        changes = {"max_iter": max_iter, "seed": seed, "verbose": 0, "early_stopping": False}
        options = replace(options, checkpoint=None, identity={}, **changes)
        fitted = fit_network(X[:n_fit], task, options, architecture)
        if fitted.record.interrupted:
            raise KeyboardInterrupt
        state, n_outputs = fitted.network_state, task.n_outputs
        return self._network_outputs(
            X, architecture, state, n_outputs=n_outputs, device=self.device
        )

    def _training_options(self, **changes):
        """How to train, from the parameters of the hasher and of its `Training`."""
        from skhash._torch.training import TrainingOptions

        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        parameters = self.get_params(deep=False) | self._training().get_params(deep=False)
        given = parameters | {"seed": seed} | changes
        return TrainingOptions(**{k: given[k] for k in TrainingOptions.__dataclass_fields__})

    def _after_epoch(self, context, X, task, architecture, state, epoch):
        """Tell scikit-learn's callbacks of an epoch; return whether one of them says to stop."""
        subcontext = context.subcontext(task_name="epoch")
        subcontext.call_on_fit_task_begin(estimator=self, X=X)
        return subcontext.call_on_fit_task_end(
            estimator=self,
            X=X,
            reconstruction_attributes=partial(self._fitted_so_far, X, task, architecture, state),
        )

    def _fitted_so_far(self, X, task, architecture, state):
        architecture, state = task.complete(X, architecture, state())
        return {
            "network_state_": state,
            "architecture_": architecture,
            "n_bits_": int(self.n_bits),
            "device_": self.device,
        }

    def _check_warm_start(self, architecture):
        names = {*architecture, "input_shape"}
        before, architecture = (
            {name: found.get(name) for name in names}
            for found in (self.architecture_, architecture)
        )
        if (architecture, int(self.n_bits)) != (before, self.n_bits_):
            raise ValueError(
                "warm_start=True goes on from the last fit, which had "
                f"n_bits={self.n_bits_} and {self.architecture_}; got n_bits={self.n_bits} and "
                f"{architecture}: set warm_start=False to start afresh"
            )

    def _check_fixed_seed(self):
        if not isinstance(self.random_state, Integral):
            raise ValueError(
                "a checkpoint, and training in several processes, need a whole number as "
                "random_state, so that a resumed fit begins as the interrupted one did and all "
                f"processes begin alike, got {self.random_state!r}"
            )

    def _decide(self, X):
        if self._encoding_device().type == "cpu":
            return super()._decide(X)
        # float64 is slow on GPUs, or missing
        return self._bit_values(X, np.float32)

    def _fast_dtype(self, X):
        return np.float32

    def _bit_values(self, X, dtype):
        options = {"n_outputs": self.n_bits_, "device": self._encoding_device()}
        try:
            return self._network_outputs(
                X, self.architecture_, self.network_state_, dtype=dtype, **options
            )
        except RuntimeError:
            # the user's network may insist on float32, of which fit has warned
            if dtype == np.float32 or isinstance(self.network, str):
                raise
            return self._network_outputs(X, self.architecture_, self.network_state_, **options)

    def _encoding_device(self):
        from skhash._torch.devices import available_device

        return available_device(self.device, self.device_)

    def _network_outputs(
        self, X, architecture, state, *, n_outputs, device, dtype=np.float32, wrap=_same
    ):
        """Outputs of a network, described by its architecture and state, for all rows of X.

        `wrap` may make another module of it, whose outputs are asked for.
        """
        import torch

        from skhash._torch.networks import build_network, encode, load_numpy_state
        from skhash.utils._devices import resolve_device

        # a user's factory draws weights, which are not used here
        with torch.random.fork_rng(devices=[]):
            module = build_network(n_features=self.n_features_in_, n_bits=n_outputs, **architecture)
        load_numpy_state(module, state)
        return encode(
            wrap(module),
            X,
            batch_size=_ENCODE_ROWS,
            device=resolve_device(device),
            dtype=dtype,
            mixed_precision=self._training().mixed_precision,
        )

    def _outputs_and_features(self, X, architecture, state, *, n_outputs, device, dtype=np.float32):
        """As `_network_outputs`, and the features beside them.

        These are X itself; for images what the last linear layer of the network is given.
        """
        options = {"n_outputs": n_outputs, "device": device, "dtype": dtype}
        if not hasattr(self, "input_shape_"):
            return self._network_outputs(X, architecture, state, **options), X
        from skhash._torch.hidden import JoinedFeatures

        joined = self._network_outputs(X, architecture, state, wrap=JoinedFeatures, **options)
        return joined[:, :n_outputs], joined[:, n_outputs:]
