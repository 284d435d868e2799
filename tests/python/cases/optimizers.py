"""mlx.optimizers."""

OPTIMIZERS = "AdaDelta Adagrad Adam AdamW Adamax Lion Muon RMSprop SGD".split()


def cases():
    out = [f"P.steps(optim.{o}(0.05))" for o in OPTIMIZERS]
    out += [f"P.steps(optim.{o}(optim.cosine_decay(0.1, 10)))" for o in OPTIMIZERS]
    return out + [f"optim.{o}(0.1).state" for o in OPTIMIZERS]


LINES = r"""
optim.SGD(0.1, nesterov=True)
P.steps(optim.SGD(0.05, momentum=0.9, weight_decay=0.01))
P.steps(optim.SGD(0.05, momentum=0.9, nesterov=True))
P.steps(optim.SGD(0.05, momentum=0.9, dampening=0.5))
P.steps(optim.Adam(0.05, bias_correction=True))
P.steps(optim.AdamW(0.05, weight_decay=0.1, bias_correction=True))
P.steps(optim.Lion(0.05, weight_decay=0.1))
P.steps(optim.Adafactor())
P.steps(optim.Adafactor(0.05, relative_step=False, beta_1=0.9, weight_decay=0.01))
P.steps(optim.Adafactor(warmup_init=True, scale_parameter=False))
P.steps(optim.Muon(0.05, nesterov=False, weight_decay=0))
P.steps(optim.MultiOptimizer([optim.SGD(0.1), optim.Adam(0.1)], [lambda p, a: 'b' in p]))
optim.MultiOptimizer([optim.SGD(0.1)], [lambda p, a: True])
optim.Adafactor().state
optim.RMSprop(0.1, alpha=-1.0)
optim.Adam(0.1).learning_rate
P.optimizer_state()
optim.clip_grad_norm({'a': mx.array([3.0, 4.0])}, 1.0)
optim.cosine_decay(0.1, 10, 0.01)(mx.array(5))
optim.exponential_decay(0.1, 0.9)(mx.array(5))
optim.step_decay(0.1, 0.9, 2)(mx.array(5))
optim.linear_schedule(0, 0.1, 10)(mx.array(5))
optim.linear_schedule(0, 0.1, 0)
optim.join_schedules([optim.linear_schedule(0, 0.1, 10), optim.cosine_decay(0.1, 10)], [10])(mx.array(12))
optim.join_schedules([], [])
optim.join_schedules([optim.cosine_decay(0.1, 10)], [10])
nn.average_gradients({'a': mx.array(1)})
nn.utils.clip_grad_norm_sharded({'a': mx.array([3.0, 4.0])}, 1.0)
"""
