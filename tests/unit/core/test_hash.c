// SPDX-License-Identifier: Apache-2.0
#include "core/decimal.h"
#include "core/hash.h"
#include "core/num.h"
#include "lib/test.h"

static int32_t iceberg(const void *data, size_t size)
{
    return (int32_t)hash_murmur3(span_of(data, size), 0);
}

/* Iceberg specification, appendix B: integers as 8 bytes little-endian, decimals as the shortest
 * big-endian two's complement. */
static void murmur3_hashes_as_iceberg_buckets(void **state)
{
    static const uint8_t uuid[] = { 0xf7, 0x9c, 0x3e, 0x09, 0x67, 0x7c, 0x4b, 0xbd,
                                    0xa4, 0x79, 0x3f, 0x34, 0x9c, 0xb7, 0x85, 0xe7 };
    uint8_t bytes[16];
    size_t size;

    (void)state;
    store_le64(bytes, 34);
    assert_int_equal(iceberg(bytes, 8), 2017239379);
    store_le64(bytes, 17486); /* the date 2017-11-16 */
    assert_int_equal(iceberg(bytes, 8), -653330422);
    store_le64(bytes, 1510871468000000);
    assert_int_equal(iceberg(bytes, 8), -2047944441);
    size = decimal_bytes(1420, bytes);
    assert_int_equal(iceberg(bytes, size), -500754589);
    assert_int_equal(iceberg("iceberg", 7), 1210000089);
    assert_int_equal(iceberg(uuid, sizeof(uuid)), 1488055340);
    assert_int_equal(iceberg("\0\1\2\3", 4), -188683207);
    assert_int_equal(iceberg(NULL, 0), 0);
    assert_int_equal(hash_murmur3(span_of(NULL, 0), 1), 0x514e28b7u);
}

/* org.apache.kafka.common.utils.UtilsTest */
static void murmur2_hashes_as_kafka_partitions(void **state)
{
    static const struct {
        const char *text;
        int32_t hash;
    } rows[] = {
        { "21", -973932308 },
        { "foobar", -790332482 },
        { "a-little-bit-long-string", -985981536 },
        { "a-little-bit-longer-string", -1486304829 },
        { "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971 },
        { "abc", 479470107 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal((int32_t)hash_murmur2(span_text(rows[i].text)), rows[i].hash);
    assert_int_equal((int32_t)hash_murmur2(span_of(NULL, 0)), 275646681);
}

/* FIPS 180-4 examples. */
static void sha256_is_the_standards(void **state)
{
    static const struct {
        const char *text;
        const char *hex;
    } rows[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t out[32];
        char hex[65];

        hash_sha256(span_text(rows[i].text), out);
        for (size_t b = 0; b < 32; b++)
            snprintf(hex + 2 * b, 3, "%02x", out[b]);
        assert_string_equal(hex, rows[i].hex);
    }
    hash_sha256(span_of(NULL, 0), (uint8_t[32]){ 0 });
}

static void fast_tells_near_texts_apart(void **state)
{
    enum { COUNT = 20000 };
    static uint64_t seen[COUNT];
    static uint8_t low_bits[1 << 16];
    size_t taken = 0;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        char text[64];
        int size = snprintf(text, sizeof(text), "%*sBINANCE-%d", i % 20, "", i);

        seen[i] = hash_fast(span_of(text, (size_t)size));
        assert_true(seen[i] == hash_fast(span_of(text, (size_t)size)));
        taken += low_bits[seen[i] & 0xffff] == 0;
        low_bits[seen[i] & 0xffff] = 1;
    }
    /* 65536 * (1 - e^(-20000/65536)) = 17237 places are expected. */
    assert_in_range(taken, 17000, 17500);
    for (int i = 1; i < COUNT; i++)
        assert_true(seen[i] != seen[i - 1]);
    for (size_t size = 1; size < 64; size++) { /* zeros differ by their count alone */
        uint8_t zeros[64] = { 0 };

        assert_true(hash_fast(span_of(zeros, size)) != hash_fast(span_of(zeros, size - 1)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(murmur3_hashes_as_iceberg_buckets),
        cmocka_unit_test(murmur2_hashes_as_kafka_partitions),
        cmocka_unit_test(sha256_is_the_standards),
        cmocka_unit_test(fast_tells_near_texts_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
