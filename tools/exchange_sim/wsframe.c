// SPDX-License-Identifier: Apache-2.0
#include "wsframe.h"

#include "core/num.h"

#include <openssl/evp.h>

static bool is_control(unsigned opcode)
{
    return opcode >= WSFRAME_CLOSE;
}

int wsframe_decode(uint8_t *bytes, size_t size, struct wsframe *frame)
{
    size_t head = 2, payload, mask_at;
    unsigned opcode;

    if (size < 2)
        return WSFRAME_MORE;
    opcode = bytes[0] & 0x0f;
    payload = bytes[1] & 0x7f;
    if ((bytes[0] & 0x70) != 0 || (bytes[1] & 0x80) == 0 || opcode > WSFRAME_PONG ||
        (opcode > WSFRAME_BINARY && opcode < WSFRAME_CLOSE) ||
        (is_control(opcode) && (payload > 125 || (bytes[0] & 0x80) == 0)))
        return WSFRAME_PROTOCOL;
    head += payload == 126 ? 2 : payload == 127 ? 8 : 0;
    if (size < head)
        return WSFRAME_MORE;
    if (payload == 126)
        payload = (size_t)bytes[2] << 8 | bytes[3];
    else if (payload == 127)
        payload = load_be64(bytes + 2);
    if (payload > WSFRAME_PAYLOAD_BYTES_MAX)
        return WSFRAME_TOO_BIG;
    mask_at = head;
    head += 4;
    if (size < head + payload)
        return WSFRAME_MORE;
    for (size_t i = 0; i < payload; i++)
        bytes[head + i] ^= bytes[mask_at + i % 4];
    frame->opcode = (enum wsframe_opcode)opcode;
    frame->last = (bytes[0] & 0x80) != 0;
    frame->payload = span_of(bytes + head, payload);
    frame->size = head + payload;
    return 0;
}

void wsframe_encode(struct buf *out, enum wsframe_opcode opcode, bool last, struct span payload)
{
    uint8_t head[10] = { (uint8_t)((unsigned)opcode | (last ? 0x80u : 0u)) };
    size_t size = 2;

    if (payload.size < 126) {
        head[1] = (uint8_t)payload.size;
    } else if (payload.size < 65536) {
        head[1] = 126;
        head[2] = (uint8_t)(payload.size >> 8);
        head[3] = (uint8_t)payload.size;
        size = 4;
    } else {
        head[1] = 127;
        store_be64(head + 2, payload.size);
        size = 10;
    }
    buf_put(out, head, size);
    buf_put_span(out, payload);
}

void wsframe_encode_close(struct buf *out, unsigned code, const char *reason)
{
    struct buf payload = BUF_INIT;

    if (code != 0) {
        buf_put_byte(&payload, (uint8_t)(code >> 8));
        buf_put_byte(&payload, (uint8_t)code);
        buf_put_text(&payload, reason);
    }
    wsframe_encode(out, WSFRAME_CLOSE, true, buf_span(&payload));
    buf_deinit(&payload);
}

void wsframe_accept(struct span key, char accept[WSFRAME_ACCEPT_BYTES])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct buf text = BUF_INIT;

    buf_put_span(&text, key);
    buf_put_text(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    ASSERT(EVP_Digest(text.data, text.size, digest, NULL, EVP_sha1(), NULL) == 1);
    EVP_EncodeBlock((unsigned char *)accept, digest, 20);
    buf_deinit(&text);
}
