"""Every optimizer with each of its arguments at another value than the default, for comparison with Keras."""

OWN = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    "RMSprop": [
        {},
        {"momentum": 0.9},
        {"centered": True},
        {"rho": 0.5, "momentum": 0.5, "centered": True, "epsilon": 0.1},
    ],
    "Adam": [{}, {"amsgrad": True}, {"beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1}],
    "AdamW": [{}, {"weight_decay": 0.3, "amsgrad": True}],
    "Adadelta": [{}, {"rho": 0.7, "epsilon": 0.01}],
    "Adafactor": [
        {"epsilon_1": 0.1, "relative_step": False},
        {"beta_2_decay": -0.5, "epsilon_2": 0.3, "clip_threshold": 0.5},
    ],
    "Adagrad": [{}, {"initial_accumulator_value": 0.5, "epsilon": 0.1}],
    "Adamax": [{}, {"beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1}],
    "Ftrl": [
        {},
        {"l1_regularization_strength": 0.5, "l2_regularization_strength": 0.3},
        {"initial_accumulator_value": 0.5, "l2_shrinkage_regularization_strength": 0.2},
        {"learning_rate_power": -0.7, "beta": 0.3},
    ],
    "Lamb": [{}, {"beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1}],
    "Lion": [{}, {"beta_1": 0.5, "beta_2": 0.8}],
    "Muon": [
        {},
        {
            "exclude_layers": ["k.rnel"],
            "adam_lr_ratio": 0.5,
            "adam_beta_1": 0.5,
            "adam_beta_2": 0.8,
            "epsilon": 0.1,
            "rms_rate": 0.5,
        },
        {"adam_weight_decay": 0.3, "weight_decay": 0.2, "nesterov": False},
        {"rms_rate": None, "weight_decay": None, "ns_steps": 3, "momentum": 0.5},
        {"muon_a": 3.0, "muon_b": -4.0, "muon_c": 1.5, "exclude_embeddings": False},
    ],
    "Nadam": [{}, {"beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1}],
    "ScheduleFreeAdamW": [{}, {"beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1}, {"warmup_steps": 5}],
}
SHARED = {
    "weight_decay": {"weight_decay": 0.4},
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.2},
    "global_clipnorm": {"global_clipnorm": 0.5},
    "use_ema": {"use_ema": True, "ema_momentum": 0.7},
    "ema_overwrite_frequency": {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3},
    "loss_scale_factor": {"loss_scale_factor": 8.0},
    "gradient_accumulation_steps": {"gradient_accumulation_steps": 3},
    "several at once": {
        "gradient_accumulation_steps": 2,
        "clipnorm": 0.3,
        "weight_decay": 0.4,
        "loss_scale_factor": 0.5,
    },
}
