// SPDX-License-Identifier: Apache-2.0
/* kraken_pair.c: see kraken_pair.h. */
#include "exchange/kraken_pair.h"

static const struct asset {
    const char *v1, *v2;
} assets[] = { { "XBT", "BTC" }, { "XDG", "DOGE" } };

static struct span base_of(struct span pair)
{
    const uint8_t *slash = pair.size == 0 ? NULL : memchr(pair.data, '/', pair.size);

    return slash == NULL ? pair : span_of(pair.data, (size_t)(slash - pair.data));
}

struct span kraken_pair_quote(struct span pair)
{
    size_t base = base_of(pair).size;

    return base == pair.size ? span_of(NULL, 0)
                             : span_of(pair.data + base + 1, pair.size - base - 1);
}

static void put_asset(struct span asset, bool to_v1, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(assets); i++) {
        if (span_equal(asset, span_text(to_v1 ? assets[i].v2 : assets[i].v1))) {
            buf_put_text(out, to_v1 ? assets[i].v1 : assets[i].v2);
            return;
        }
    }
    buf_put_span(out, asset);
}

static void put_pair(struct span pair, bool to_v1, struct buf *out)
{
    struct span base = base_of(pair);

    put_asset(base, to_v1, out);
    if (base.size == pair.size)
        return;
    buf_put_byte(out, '/');
    put_asset(kraken_pair_quote(pair), to_v1, out);
}

void kraken_pair_put(struct span pair, struct buf *out)
{
    put_pair(pair, false, out);
}

void kraken_pair_put_v1(struct span pair, struct buf *out)
{
    put_pair(pair, true, out);
}

void kraken_pair_put_symbol(struct span pair, struct buf *out)
{
    buf_put_span(out, base_of(pair));
    buf_put_span(out, kraken_pair_quote(pair));
}
