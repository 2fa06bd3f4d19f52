// SPDX-License-Identifier: Apache-2.0
#include "exchange.h"

#include "binance.h"
#include "kraken.h"

#include <string.h>

const struct exchange *exchange_find(const char *name)
{
    static const struct exchange *const all[] = { &binance_exchange, &kraken_v1_exchange,
                                                  &kraken_v2_exchange };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}
