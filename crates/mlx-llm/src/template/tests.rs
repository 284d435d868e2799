//! Templates of the usual families, and hostile ones.

use super::*;
use std::time::{Duration, Instant};

fn chat(turns: &[(&str, &str)]) -> Vec<Message> {
    turns.iter().map(|(role, content)| Message::new(*role, *content)).collect()
}

fn render(source: &str, turns: &[(&str, &str)], generation: bool) -> Result<String> {
    ChatTemplate::new(source, "<s>", "</s>")?.render(&chat(turns), generation)
}

/// The text a template without messages writes.
fn eval(source: &str) -> String {
    render(source, &[], false).unwrap()
}

const TURNS: &[(&str, &str)] = &[("user", "Hi "), ("assistant", "Hello"), ("user", "Bye")];

const CHATML: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

#[test]
fn chatml() {
    let wanted = "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi <|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(render(CHATML, TURNS, true).unwrap(), wanted);
    assert_eq!(
        render(CHATML, &[("system", "S"), ("user", "{{ 1 }}<b>&'\"")], false).unwrap(),
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n{{ 1 }}<b>&'\"<|im_end|>\n"
    );
}

const LLAMA3: &str = "
{%- if strftime_now is defined %}
    {%- set date_string = strftime_now('%d %b %Y') %}
{%- endif %}
{{- bos_token }}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = '' %}
{%- endif %}
{{- '<|start_header_id|>system<|end_header_id|>\n\n' }}
{%- if tools is not none %}
    {{- 'tools: ' + tools|tojson(indent=4) }}
{%- endif %}
{{- 'Year: ' + date_string[-4:-2] + '\n' + system_message + '<|eot_id|>' }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
";

#[test]
fn llama3() {
    let wanted = "<s><|start_header_id|>system<|end_header_id|>\n\nYear: 20\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n";
    assert_eq!(render(LLAMA3, &[("system", " S\n"), ("user", "Hi ")], true).unwrap(), wanted);
}

const GEMMA: &str = "{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = '' -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
    {%- endif -%}
    {%- if message['role'] == 'assistant' -%}
        {%- set role = 'model' -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.first else '') }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- endif -%}
    {{ '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{ '<start_of_turn>model\n' }}
{%- endif -%}
";

#[test]
fn gemma() {
    assert_eq!(
        render(GEMMA, &[("system", "S"), ("user", "Hi "), ("assistant", "Hello")], true).unwrap(),
        "<s><start_of_turn>user\nS\n\nHi<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n<start_of_turn>model\n"
    );
    let e = render(GEMMA, &[("assistant", "x")], true).unwrap_err();
    assert!(e.message.starts_with("[chat template] Conversation roles must alternate"), "{e}");
    assert!(e.message.ends_with("(line 15)"), "{e}");
}

const THINKING: &str = "
{%- set ns = namespace(multi=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi and message.role == 'user' and not (message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
        {%- set ns.multi = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == 'assistant' %}
        {%- set content = message.content %}
        {%- if '</think>' in content %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {{- '<|im_start|>' ~ message.role ~ '\n' }}{% generation %}{{ content }}{% endgeneration %}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\n' + message.content.strip() }}
    {%- endif %}
    {{- '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}
{{- ns.last }}";

#[test]
fn qwen_thinking() {
    let turns = [("user", " Hi "), ("assistant", "<think>hm</think>\n\nHello"), ("user", "<tool>x</tool>")];
    assert_eq!(
        render(THINKING, &turns, true).unwrap(),
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\n<tool>x</tool><|im_end|>\n<|im_start|>assistant\n0"
    );
}

#[test]
fn what_jinja_and_python_offer() {
    assert_eq!(
        eval(
            "{% for i in range(9) %}{% if i == 1 %}{% continue %}{% elif i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}"
        ),
        "023"
    );
    assert_eq!(eval("{% macro m(a, b='y') %}{{ a }}{{ b }}{% endmacro %}{{ m('x') }}"), "xy");
    assert_eq!(eval("a\n  {% if true %}\n b\n  {% endif %}\nc\n"), "a\n b\nc");
    assert_eq!(
        eval("{{ 'a,b'.split(',')|join('-') }}{{ '-'.join(['x', 'y']) }}{{ 'AbC'.lower().replace('b', 'd') }}"),
        "a-bx-yadc"
    );
    assert_eq!(
        eval("{% for k, v in {'b': 1, 'a': 2}.items() %}{{ k }}{{ v }}{% endfor %}{{ {'q': 3}.get('q') }}"),
        "b1a23"
    );
    assert_eq!(eval("{{ missing }}|{{ missing is defined }}|{{ none is none }}|{{ 'x'.title() }}"), "|False|True|X");
    assert_eq!(eval("{{ bos_token }}{{ eos_token }}{{ tools is none }}{{ '%s-%d'|format('a', 3) }}"), "<s></s>Truea-3");
    assert_eq!(eval("a {%- generation -%} x {%+ endgeneration %} y"), "ax  y");
}

#[test]
fn json_as_python_writes_it() {
    let value = "{'b': [1, 2.0, true, none], 'a': 'é<\"\\n\\t', 'c': {}, 'd': []}";
    assert_eq!(
        eval(&format!("{{{{ {value}|tojson }}}}")),
        "{\"b\": [1, 2.0, true, null], \"a\": \"é<\\\"\\n\\t\", \"c\": {}, \"d\": []}"
    );
    assert_eq!(eval("{{ {'a': [1], 'b': {}}|tojson(indent=2) }}"), "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}");
    assert!(render("{{ x|tojson }}", &[], false).is_err());
    assert!(render("{{ {1: 2}|tojson }}", &[], false).is_err());
    assert!(render("{{ 1|tojson(sort_keys=true) }}", &[], false).is_err());
}

#[test]
fn errors_say_what_and_where() {
    for (source, wanted) in [
        ("a\n{% if %}", "(line 2)"),
        ("{% for x in messages %}", "unexpected end of input"),
        ("{{ raise_exception('no tools here') }}", "[chat template] no tools here (line 1)"),
        ("\n\n{{ nope() }}", "(line 3)"),
        ("{{ 'x'.nope() }}", "no method named nope"),
        ("{{ missing.x.y }}", "undefined"),
        ("{% include 'f' %}", "include"),
        ("{% import '/etc/passwd' as p %}", "import"),
        ("{{ strftime_now('%Q') }}", "%Q"),
        ("{{ '{:9999999999}'.format(1) }}", "no method named format"),
    ] {
        let e = render(source, &[], false).unwrap_err();
        assert!(e.message.starts_with("[chat template] ") && e.message.contains(wanted), "{source}: {e}");
        assert!(!e.message.contains('\n'), "{e}");
    }
    assert!(ChatTemplate::new(&" ".repeat(MAX_SOURCE + 1), "", "").is_err());
}

#[test]
fn hostile_templates_end_soon() {
    let start = Instant::now();
    let deep = |grow: &str, then: &str| {
        format!(
            "{{% set ns = namespace(a=[], b=[]) %}}{{% for i in range(100000) %}}{{% set ns.a = {grow} %}}{{% if i > 2500 %}}{{% break %}}{{% endif %}}{{% endfor %}}{then}"
        )
    };
    let nest = format!("{}ns.a{}", "[".repeat(30), "]".repeat(30));
    let mut sources: Vec<String> = [
        "{% for i in range(100000) %}{% for j in range(100000) %}{{ j }}{% endfor %}{% endfor %}",
        "{% for i in range(1000000000) %}x{% endfor %}",
        "{{ range(100000)|list|length }}{% for i in range(100000) %}{{ range(100000)|list|length }}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{{ 'x' * 99999999999999999999 }}",
        "{{ ([1] * 1000000000)|length }}",
        "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(a=['x']) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a }}",
        "{% set ns = namespace(a=['x']) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a|tojson }}",
        "{% set ns = namespace(a=['x']) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ''.join(ns.a) }}",
        "{% set ns = namespace(a=['x']) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a|string|length }}",
        "{% set s = 'x' * 1000000 %}{{ s.replace('', s)|length }}",
        "{% set s = 'x' * 1000000 %}{{ s.replace('x', s)|length }}",
        "{% set s = 'x' * 1000000 %}{{ s|replace('x', s)|length }}",
        "{% set s = 'x' * 1000000 %}{{ s.join(s)|length }}",
        "{% set s = 'x' * 1000000 %}{{ ([s] * 10000)|join|length }}",
        "{% set s = 'x' * 1000000 %}{{ ('y' * 1000000).strip('x' * 1000000 ~ 'y')|length }}{{ s.split('x')|length }}{% for i in range(1000) %}{{ s.split('x')|length }}{% endfor %}",
        "{% set s = 'x' * 1000000 %}{{ s.startswith([s] * 100000) }}",
        "{{ '%1000000000d'|format(1) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'x'|indent(1000000000)|length }}{{ ('x\n' * 10000)|indent(1000000)|length }}",
        "{{ 2 ** 100000000 }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(n) %}{{ m(n + 1) }}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
        "{{ [[1, 2]|batch(1000000000, 0)]|length }}{{ [1]|slice(1000000000)|list|length }}",
        "{{ {'a': 1}|tojson(indent=1000000000) }}",
        "{{ range(100000)|map('string')|join(range(100000)|join) }}",
    ]
    .map(String::from)
    .into();
    for then in [
        "",
        "{{ ns.a }}",
        "{{ ns.a == [ns.a] }}",
        "{{ ns.a|tojson }}",
        "{{ {ns.a: 1} }}",
        "{{ [ns.a, [ns.a]]|sort }}",
        "{{ ns.a|string }}",
    ] {
        sources.push(deep("[ns.a]", then));
        sources.push(deep(&nest, then));
        sources.push(deep("{'k': ns.a}", then));
    }
    sources.push("{% set a = [a] %}".repeat(7_000));
    sources.push("{{ ".to_owned() + &"(".repeat(100_000) + ")");
    sources.push("{% if true %}".repeat(9_000));
    sources.push("{{ a".to_owned() + &".b".repeat(60_000) + " }}");
    sources.push("{{ 1".to_owned() + &" + 1".repeat(32_000) + " }}");
    sources.push("{{ x".to_owned() + &"|e".repeat(60_000) + " }}");
    sources.push("{{ ".to_owned() + &"not ".repeat(4_000) + "x }}");
    for source in &sources {
        let before = Instant::now();
        // Most are refused; those that end within the budget may.
        let result = render(source, &[("user", "x")], true);
        let took = before.elapsed();
        let name = &source[..source.len().min(120)];
        assert!(took < Duration::from_secs(8), "{took:?} for {name}");
        assert!(result.as_ref().map_or(true, |text| text.len() <= OUTPUT + 64), "{name}");
    }
    let refused = sources[..3].iter().all(|s| render(s, &[], true).is_err());
    assert!(refused && render(&sources[3], &[], true).unwrap_err().message.contains("budget"));
    // Writing a list that holds itself 2^60 times over stops at the output's limit.
    assert!(render(&sources[8], &[], true).unwrap_err().message.contains("the output passes"));
    assert!(start.elapsed() < Duration::from_secs(120), "{:?}", start.elapsed());
}

#[test]
fn long_chats_fit_the_budget() {
    let turn = ("user", "word ".repeat(2000));
    let turns: Vec<(&str, &str)> = (0..400).map(|i| (["user", "assistant"][i % 2], turn.1.as_str())).collect();
    for template in [CHATML, GEMMA, THINKING] {
        let text = render(template, &turns, true).unwrap();
        assert!(text.len() > 400 * 9000);
    }
}

#[test]
fn output_is_bounded() {
    let mut out = Bounded { bytes: Vec::new(), most: 3 };
    assert!(out.write_all(b"abc").is_ok() && out.write_all(b"d").is_err());
    assert_eq!(out.bytes, b"abc");
}

#[test]
fn template_of_a_file() {
    let file = |template: Option<&str>| {
        let mut writer = mlx_io::GgufWriter::new();
        writer.set("general.architecture", "llama").unwrap();
        if let Some(template) = template {
            writer.set("tokenizer.chat_template", template).unwrap();
        }
        let bytes = writer.start(Vec::new()).unwrap().finish().unwrap();
        Gguf::parse(&bytes).unwrap()
    };
    let template = ChatTemplate::from_gguf(&file(Some("{{ bos_token }}!")), "<s>", "").unwrap().unwrap();
    assert_eq!(template.render(&[], false).unwrap(), "<s>!");
    assert!(ChatTemplate::from_gguf(&file(None), "", "").unwrap().is_none());
    assert!(ChatTemplate::from_gguf(&file(Some("{% if %}")), "", "").is_err());
}
