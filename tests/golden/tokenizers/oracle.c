// Tokenizes through libllama. Reads records from stdin: flags (1 byte: 1 = add special, 2 = parse special),
// length (u32), text; writes for each: count (u32), ids (i32).
#include "llama.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void quiet(enum ggml_log_level level, const char * text, void * data) {
    (void) data;
    if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

int main(int argc, char ** argv) {
    if (argc != 2) return 2;
    llama_log_set(quiet, NULL);
    llama_backend_init();
    struct llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    struct llama_model * model = llama_model_load_from_file(argv[1], params);
    if (!model) return 1;
    const struct llama_vocab * vocab = llama_model_get_vocab(model);
    int flags;
    while ((flags = getchar()) != EOF) {
        uint32_t len;
        if (fread(&len, 4, 1, stdin) != 1) return 1;
        char * text = malloc(len + 1);
        if (fread(text, 1, len, stdin) != len) return 1;
        int32_t max = (int32_t) len + 16;
        llama_token * ids = malloc(sizeof(llama_token) * max);
        int32_t n = llama_tokenize(vocab, text, (int32_t) len, ids, max, flags & 1, flags & 2);
        if (n < 0) return 1;
        fwrite(&n, 4, 1, stdout);
        fwrite(ids, 4, n, stdout);
        free(text);
        free(ids);
    }
    return 0;
}
