"""The only rooms that import torch. Nothing here knows an estimator; `hashers` opens the door."""
