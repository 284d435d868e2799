"""A tiny configuration for every model file of mlx-lm, made from its ModelArgs: small sizes by the fields' names."""

import dataclasses
import importlib
import inspect
import pkgutil
import typing

NAMES = {
    "vocab_size embedding_size num_vocab vocab_size_per_layer_input": 128,
    "hidden_size hidden_dim d_model n_embd model_dim block_dim moe_hidden_size": 64,
    "num_hidden_layers num_layers n_layers n_layer num_transformer_layers": 4,
    "intermediate_size n_inner mlp_hidden_size ff_intermediate_size ffn_hidden_size intermediate_size_mlp"
    " dense_intermediate_size": 128,
    "moe_intermediate_size shared_expert_intermediate_size moe_shared_expert_intermediate_size expert_ffn_hidden_size"
    " shared_intermediate_size share_expert_dim": 32,
    "num_attention_heads num_heads n_heads n_head num_attention_groups swa_num_attention_heads": 4,
    "num_key_value_heads num_kv_heads n_kv_heads swa_num_key_value_heads": 2,
    "head_dim hidden_size_per_head swa_head_dim swa_v_head_dim kv_channels mamba_head_dim mamba_d_head global_head_dim"
    " linear_key_head_dim linear_value_head_dim index_head_dim": 16,
    "v_head_dim qk_nope_head_dim": 16,
    "qk_rope_head_dim rotary_dim": 8,
    "kv_lora_rank q_lora_rank o_lora_rank a_low_rank_dim v_low_rank_dim gate_low_rank_dim decay_low_rank_dim"
    " laurel_rank hidden_size_per_layer_input": 16,
    "num_experts num_local_experts n_routed_experts moe_num_experts": 4,
    "num_experts_per_tok num_experts_per_token moe_topk moe_k moe_top_k top_k_experts": 2,
    "num_shared_experts n_shared_experts num_shared_expert n_group topk_group num_expert_group layer_group_size"
    " group_norm_size first_k_dense_replace decoder_sparse_step moe_layer_freq num_dense_layers zero_expert_num"
    " cla_share_factor num_kv_reuse_layers num_kv_shared_layers interleave_moe_layer_step n_shared_head": 1,
    "max_position_embeddings n_positions n_ctx model_max_length block_size max_seq_len original_max_position_embeddings": 256,
    "sliding_window attention_window_size window_size sliding_window_size attention_chunk_size mamba_chunk_size": 4,
    "mamba_num_heads mamba_n_heads linear_num_key_heads linear_num_value_heads index_n_heads": 4,
    "mamba_d_state ssm_state_size state_size": 16,
    "mamba_d_conv conv_kernel conv_L_cache conv1d_width linear_conv_kernel_dim conv_window": 3,
    "n_groups mamba_n_groups": 2,
    "mamba_d_ssm": 64,
    "time_step_rank": 8,
    "mamba_expand block_multiple_of dense_attention_every_n_layers mamba_step index_topk altup_num_inputs": 2,
    "o_groups": 2,
    "rms_norm_eps layer_norm_eps layer_norm_epsilon norm_eps layernorm_epsilon post_norm_eps norm_epsilon": 1e-5,
    "rope_theta rotary_emb_base rope_local_base_freq swa_rope_theta": 10000.0,
    "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default", "type": "default"},
    "scale_depth scale_emb logits_scaling attention_multiplier embedding_multiplier residual_multiplier"
    " routed_scaling_factor output_multiplier altup_coef_clip block_ffn_dim_multiplier": 1.5,
    "partial_rotary_factor rotary_pct": 0.5,
    "final_logit_softcapping logits_soft_cap gegelu_limit": 20.0,
    "time_step_limit": (0.001, 100.0),
    "hidden_act": "silu",
    "scoring_func score_function": "sigmoid",
    "topk_method": "noaux_tc",
    "layer_types": ["sliding_attention", "full_attention"] * 2,
    "mlp_only_layers no_rope_layers": [],
    "dim_model_base": 32,
}
SIZES = {n: v for names, v in NAMES.items() for n in names.split()}
BY_KIND = {k: {"rope_theta": 10000.0, "rope_type": "default"} for k in ("full_attention", "sliding_attention")}
LLAMA_4 = {"rope_theta": 10000.0, "rope_type": "default", "llama_4_scaling_beta": 0.1, "original_max_position_embeddings": 4}
YARN = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "mscale": 1.0, "mscale_all_dim": 1.0, "beta_fast": 32, "beta_slow": 1}
# Fields that are set also where their default is None.
PER_MODEL = {
    "openelm": dict(num_query_heads=[4] * 4, num_kv_heads=[2] * 4, ffn_multipliers=[1.0] * 4, ffn_dim_divisor=16),
    "dbrx": dict(ffn_config=dict(ffn_hidden_size=64, moe_num_experts=4, moe_top_k=2), attn_config=dict(kv_n_heads=2, clip_qkv=8.0, rope_theta=10000.0)),
    "baichuan_m1": dict(sliding_window_layers=[1], conv_window=2),
    "lfm2": dict(intermediate_size=128, full_attn_idxs=[1, 3], layer_types=None),
    "lfm2_moe": dict(full_attn_idxs=[1, 3], layer_types=None),
    "recurrent_gemma": dict(block_types=["recurrent", "attention"], num_key_value_heads=1),
    "jamba": dict(attn_layer_offset=1, attn_layer_period=2, expert_layer_offset=1, expert_layer_period=2),
    "nemotron_h": dict(hybrid_override_pattern=["M", "*", "-", "E"], n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=32, moe_shared_expert_intermediate_size=32, n_group=1, topk_group=1, norm_topk_prob=True, routed_scaling_factor=1.0, n_shared_experts=1, num_hidden_layers=4),
    "granitemoehybrid": dict(layer_types=["mamba", "attention"] * 2, mamba_n_heads=8, mamba_d_head=16, mamba_d_state=16, mamba_d_conv=4, mamba_n_groups=2, mamba_expand=2, num_local_experts=4, num_experts_per_tok=2, shared_intermediate_size=32),
    "mamba2": dict(num_heads=8, head_dim=16, time_step_rank=8, hidden_size=64),
    "mimo_v2_flash": dict(hybrid_layer_pattern=[0, 1, 0, 1], moe_layer_freq=[0, 1, 1, 1]),
    "kimi_linear": dict(linear_attn_config=dict(kda_layers=[1, 3], full_attn_layers=[2, 4], num_heads=4, head_dim=32, short_conv_kernel_size=3), qk_nope_head_dim=16, qk_rope_head_dim=8, v_head_dim=16),
    "exaone_moe": dict(is_moe_layer=[False, True, True, True]),
    "gemma3n": dict(activation_sparsity_pattern=[0.95, 0.0, 0.0, 0.0], layer_types=["sliding_attention", "full_attention"] * 2, altup_active_idx=0, num_kv_shared_layers=2),
    "llama4_text": dict(no_rope_layers=[1, 1, 1, 0]),
    "longcat_flash": dict(attention_method="MLA", zero_expert_type="identity"),
    "qwen3_5": dict(full_attention_interval=2),
    "qwen3_next": dict(full_attention_interval=2),
    "olmo_hybrid": dict(layer_types=["linear_attention", "full_attention"] * 2),
    "gear": dict(layer_types=["full_attention", "sliding_attention"] * 2),
    "spark2_5": dict(rope_parameters=BY_KIND, hidden_act="gelu"),
    "internlm2": dict(bias=True),
    "deepseek_v2": dict(rope_scaling=YARN),
    "exaone4": dict(sliding_window_pattern="LG", rope_scaling={"rope_type": "default"}),
    "llama4": dict(rope_scaling=None, num_experts_per_tok=1),
    "gemma3_text": dict(sliding_window_pattern=2),
    "hunyuan": dict(rope_scaling={"alpha": 1000.0, "factor": 1.0, "type": "dynamic"}),
    "kimi_k3": dict(hidden_act="situ", mla_use_nope=True, qk_nope_head_dim=16, qk_rope_head_dim=8, v_head_dim=16, kv_lora_rank=16, linear_attn_config=dict(kda_layers=[1, 3], full_attn_layers=[2, 4], num_heads=4, head_dim=32, short_conv_kernel_size=3)),
    "mellum": dict(rope_parameters=BY_KIND),
    "minicpm3": dict(rope_scaling={"short_factor": [1.0] * 4, "long_factor": [1.0] * 4, "original_max_position_embeddings": 256}),
    "ministral3": dict(rope_parameters=LLAMA_4),
    "mistral4": dict(rope_parameters=LLAMA_4),
    "muse_spark": dict(num_shared_experts=0, layer_rope_theta=[10000.0] * 4),
    "qwen3": dict(rope_theta=10000.0),
    "nemotron-nas": dict(block_configs=[{"attention": {"n_heads_in_group": 2}, "ffn": {"ffn_mult": 1.0}}] * 4),
    "falcon_h1": dict(mamba_n_heads=4, mamba_d_head=16, mamba_d_ssm=64),
    "phi3small": dict(head_dim=16, blocksparse_num_local_blocks=2, blocksparse_vert_stride=2),
    "rwkv7": dict(head_dim=16),
    "bailing_moe": dict(first_k_dense_replace=1),
    "bailing_moe_linear": dict(layer_group_size=2, group_norm_size=2),
    "bailing_hybrid": dict(layer_group_size=2, group_norm_size=2),
}
# Whose arguments stand in `text_config`, where these are the file's own text model's.
TEXT = {
    "gemma3": "gemma3_text", "gemma4": "gemma4_text", "mistral3": "llama", "pixtral": "llama", "qwen2_vl": "qwen2",
    "qwen3_vl": "qwen3", "qwen3_vl_moe": "qwen3_moe", "lfm2-vl": "lfm2", "kimi_vl": "deepseek_v3", "kimi_k25": "deepseek_v3",
    "qwen3_5_moe": "qwen3_5", "prism_hadamard_qwen35": "qwen3_5",
}


def names():
    """All model files: those with ModelArgs and a Model."""
    import mlx_lm.models

    return sorted(m.name for m in pkgutil.iter_modules(mlx_lm.models.__path__) if m.name not in NOT_MODELS)


NOT_MODELS = {
    "activations", "base", "bitlinear_layers", "cache", "gated_delta", "mla", "pipeline", "rope_utils", "ssm", "switch_layers",
}


def module(name):
    return importlib.import_module(f"mlx_lm.models.{name}")


def fields(cls, name):
    """Values of the fields of a dataclass of arguments."""
    own, out = PER_MODEL.get(name, {}), {}
    for f in dataclasses.fields(cls):
        if not f.init:
            continue
        none = f.default is None
        if f.name in own:
            out[f.name] = own[f.name]
        elif f.name == "model_type":
            out[f.name] = name
        elif f.name == "text_config":
            out[f.name] = text(cls, name)
        elif f.name in SIZES and not none:
            out[f.name] = SIZES[f.name]
        elif f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
            out[f.name] = required(f)
    return out


def text(cls, name):
    m = module(name)
    inner = next((getattr(m, n) for n in ("TextConfig", "TextArgs", "TextModelArgs") if hasattr(m, n)), None)
    if name in TEXT:
        m = module(TEXT[name])
        return fields(getattr(m, "TextModelArgs", m.ModelArgs), TEXT[name])
    if inner:
        return fields(inner, name)
    raise LookupError(f"whose arguments text_config of {name} holds is not known")


def required(f):
    kind = typing.get_origin(f.type) or f.type
    if kind is bool:
        return True
    if typing.get_origin(f.type) is typing.Union and type(None) in typing.get_args(f.type):
        return None
    raise LookupError(f"no size is known for {f.name}: {f.type}")


def model(name):
    """The model and the arguments that it was made of."""
    m = module(name)
    values = fields(m.ModelArgs, name)
    make = getattr(m.ModelArgs, "from_dict", None)
    args = make(values) if make and "params" in inspect.signature(make).parameters else m.ModelArgs(**values)
    return m.Model(args)
