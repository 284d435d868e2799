"""Texts for comparing tokenizers: hand-picked lines and a seeded generator. No files are read."""

import random

FIXED = [
    "", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\t\t x", " \n ", "a\n", "a \n b", "a\n\n\n  b", "\u00a0", "a\u00a0 b",
    "\u3000", "x\u3000\u3000y", "\u2028a\u2029b", "a\x0bb\x0cc", "trailing   ", "   leading", "a  b   c    d",
    "Hello, world!", "Hello world", " Hello", "hello  World\n", "The quick brown fox jumps over the lazy dog.",
    "I'm you're he'd we'll they've it's can't", "I'M YOU'RE HE'D WE'LL THEY'VE IT'S CAN'T", "'s 't 're'x 'll'", "''s '' 'S",
    "don\u2019t", "rock'n'roll 'tis", "0", "42", "007", "1234567890", "3.14159", "1,000,000", "2026-11-23T04:30:00Z",
    "1 22 333 4444 55555 666666", "x1y22z333", "\u0661\u0662\u0663", "\u00bd\u00b2\u2167", "\u0967\u0968\u0969 \u0ed0", "v1.2.3-rc4",
    "$100 + 20% = ~120 <ok> ^|`", "(a)[b]{c}<d>", "!!! ??? ... \u2026", "---===###", "a_b-c.d/e\\f", "http://example.com/?q=1&r=%20#top",
    "user@example.org", "C:\\Program Files\\x86", "foo(bar, baz)[0] += 1;", "if (x != y && !z) { return x ? 'a' : \"b\"; }",
    "def f(x):\n    if x > 0:\n        return x * 2\n\n    return None\n", "fn main() {\n\tprintln!(\"{}\", 1u8 << 3);\n}\n",
    "#include <stdio.h>\n\nint main(void)\n{\n    return 0;\n}\n", "SELECT * FROM t WHERE a = 'b' -- c\n", "{\"k\": [1, 2.5e-3, null, true]}",
    "<html>\n  <body class=\"x\">&nbsp;</body>\n</html>", "camelCaseWord PascalCase SCREAMING_SNAKE kebab-case HTTPServer iPhone",
    "\u00c9cole na\u00efve fa\u00e7ade \u0153uvre", "e\u0301 a\u0308 n\u0303o", "Stra\u00dfe gr\u00f6\u00dfe \u00dcbung", "A\u030a\u0327\u0301b",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \u0401\u0436\u0438\u043a", "\u039a\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1 \u03ba\u03cc\u03c3\u03bc\u03b5", "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645\u060c \u0643\u064a\u0641\u061f", "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e\u0964", "\u09ac\u09be\u0982\u09b2\u09be \u09ad\u09be\u09b7\u09be", "\u0bb5\u0ba3\u0b95\u0bcd\u0b95\u0bae\u0bcd",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01", "\u4f60\u597d\uff0c\u4e16\u754c\uff01", "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002\u6211\u4eec\u53bb\u516c\u56ed\u5427", "\u3053\u3093\u306b\u3061\u306f\u3001\u4e16\u754c\uff01\u30ab\u30bf\u30ab\u30ca", "\uc548\ub155\ud558\uc138\uc694 \uc138\uacc4",
    "\u1106\u1161\u11ab", "ti\u1ebfng Vi\u1ec7t", "\u10d2\u10d0\u10db\u10d0\u10e0\u10ef\u10dd\u10d1\u10d0", "\u13a3\u13b3\u13a9", "\U0001d517\U0001d525\U0001d522 \U0001d7d8", "\U00020000\U0002a6d6",
    "\U0001f600", "\U0001f600\U0001f601 \U0001f602", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f44d\U0001f3fd", "\U0001f1eb\U0001f1f7\U0001f1e9\U0001f1ea", "\u2764\ufe0f \u2603", "1\ufe0f\u20e3", "\U0001f3f4\U000e0067\U000e0062\U000e007f",
    "\u200b\u200c\u200d\ufeff", "a\u200bb", "a\u00adb", "\u202eabc\u202c", "\x00", "a\x00b\x01\x02", "\x1b[31mred\x1b[0m", "\x7f\x80\x9f", "\x1c\x1d\x1e\x1f", "\x85",
    "\ufffd", "\uffff\ufffe", "\U0010ffff", "\ue000", "\u0378", "\u01c4\u01c5\u01c6 \u02b0\u02b1 \u00aa\u00ba", "\u00b5\u03bc", "\ufb01\ufb02", "\uff21\uff22\uff41", "\u2460\u2474\u3251",
    "a" * 200, "ab" * 150, "x" * 17 + " " * 33 + "y", "=" * 80, "\n" * 40, " " * 100, "\t" * 40, "0" * 50, "\u4e2d" * 60, "\U0001f600" * 20, "!?" * 40,
    "Donaudampfschifffahrtselektrizit\u00e4tenhauptbetriebswerkbauunterbeamtengesellschaft",
    "pneumonoultramicroscopicsilicovolcanoconiosis antidisestablishmentarianism",
    "<table><tr><td>x</td></tr></table>", "<b>bold</b> <s>gone</s> <unused3> <0x41> <0x0A>", "[multimodal] <mask>",
]

SPECIAL = [
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<|endoftext|>", " <|im_end|> ", "a<|im_end|>b", "<|im_start|", "<|im_end|><|im_end|>",
    "<bos><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n", "<eos>", "x <pad> y", "<unk>", "<start_of_image><end_of_image>",
    "<\uff5cbegin\u2581of\u2581sentence\uff5c><\uff5cUser\uff5c>Hi<\uff5cAssistant\uff5c><think>\nhm</think>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "<tool_call>{}</tool_call>", "<|EOT|>", "<repo_name><file_sep>",
]

WORDS = (
    "the of and to in is that for it with as was on be at by this have from or one had not but what all were when we there can an your which their said if do will each "
    "tokenizer streaming Vulkan ARM64 matrix gradient softmax kernel phone battery l'heure qu'il aujourd'hui \u00fcber Stra\u00dfe ma\u00f1ana coraz\u00f3n \u0434\u043e\u043c \u0440\u0435\u043a\u0430 \u043c\u043e\u0440\u0435 "
    "\u6771\u4eac \u5927\u962a \u6f22\u5b57 \u4eba\u5de5\u667a\u80fd \ud55c\uad6d\uc5b4 \u092d\u093e\u0930\u0924 \u0645\u062f\u064a\u0646\u0629 self.x __init__ foo_bar i++ a->b x=1; 0xFF 1e-9 #include @property e.g. U.S.A. it's they're I'll DON'T"
).split()
SPACES = [" "] * 12 + ["  ", "   ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000", ", ", ". ", "; ", "-", "", "", "\n    ", "\n\t\t"]
POOLS = [
    (0x20, 0x7E), (0x20, 0x7E), (0x00, 0xFF), (0x100, 0x24F), (0x2B0, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF), (0xE00, 0xE7F), (0x10A0, 0x11FF),
    (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x23FF), (0x2460, 0x27BF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFE00, 0xFFEF), (0x1F300, 0x1FAFF), (0x10000, 0x10FFF), (0x1D400, 0x1D7FF),
]


def line(rng):
    kind = rng.randrange(10)
    if kind < 4:
        return "".join(rng.choice(WORDS) + rng.choice(SPACES) for _ in range(rng.randrange(1, 25)))
    if kind < 6:
        return "".join(rng.choice(WORDS).swapcase() + rng.choice(["'", "'s", "'LL", "\u2019t", "1", "23", "4567", "...", "!", "", " "]) for _ in range(rng.randrange(1, 12)))
    if kind < 7:
        alphabet = rng.choice([" \n\t", " a", "a\n ", "'s tdmrevl", "0123 ", "\u0301ae ", "A\u01c5b\u02b0C\u5b57", "/\n\r.!", "\u200d\U0001f468\U0001f469\ufe0f", "_-= ", "<|>imend_"])
        return "".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 60)))
    pools = [rng.choice(POOLS) for _ in range(rng.randrange(1, 4))]
    return "".join(chr(rng.randint(*rng.choice(pools))) for _ in range(rng.randrange(1, 40)))


def lines(count, seed=2026):
    """The fixed lines, then `count` generated ones."""
    rng = random.Random(seed)
    return FIXED + [line(rng) for _ in range(count)]
