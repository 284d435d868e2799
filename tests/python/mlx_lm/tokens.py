"""Greedy tokens of mlx-lm: tokens.py MODEL COUNT PROMPTS, one JSON line a prompt.

Each line has the prompt's tokens, the answer's, and for every position the distance between the two largest logits.
"""

import json
import sys

import mlx.core as mx
from mlx_lm import load
from mlx_lm.generate import generate_step

PROMPTS = [
    "What is the capital of France?", "Write a line about the sea.", "Why is the sky blue?", "Count from one to ten.",
    "Name three fruits.", "Explain gravity to a child.", "What is 12 times 12?", "Give me a recipe for bread.",
    "Who wrote Hamlet?", "Translate good morning into French.", "What is a prime number?", "Describe a cat.",
    "How do planes fly?", "Write a short poem about rain.", "What do bees do?", "List the planets.",
    "What is a computer?", "Tell me a joke.", "How is glass made?", "What is democracy?",
]


def main():
    folder, count, prompts = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    model, tokenizer = load(folder)
    dtype = str(model.model.norm.weight.dtype).rsplit(".", 1)[1]
    for text in PROMPTS[:prompts]:
        ids = tokenizer.apply_chat_template([{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False)
        out, gaps = [], []
        for token, logprobs in generate_step(mx.array(ids), model, max_tokens=count):
            two = mx.sort(logprobs.astype(mx.float32).reshape(-1))[-2:].tolist()
            out.append(int(token))
            gaps.append(round(two[1] - two[0], 5))
        print(json.dumps({"prompt": text, "dtype": dtype, "tokens": out, "gaps": gaps}), flush=True)


if __name__ == "__main__":
    main()
