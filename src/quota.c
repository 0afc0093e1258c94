
#include "quota.h"
#include "certificate_table.h"
#include "hash.h"
#include "octets.h"

#include <string.h>


void
sealed_quota_id(uint8_t out[SEALED_QUOTA_ID_SIZE], const uint8_t zone_key[32],
    sealed_bytes_t account, unsigned class, uint32_t epoch)
{
    uint8_t        digest[32], row[5];
    sealed_hmac_t  hmac;

    static const char  label[] = "sealed-sender quota v1";

    row[0] = (uint8_t) class;
    (void) sealed_put32(row + 1, epoch);

    sealed_hmac_init(&hmac, zone_key, 32);
    sealed_hmac_update(&hmac, label, sizeof(label) - 1);
    sealed_hmac_update(&hmac, row, sizeof(row));
    sealed_hmac_update(&hmac, account.data, account.size);
    sealed_hmac_final(&hmac, digest);

    memcpy(out, digest, SEALED_QUOTA_ID_SIZE);
}


sealed_verdict_t
sealed_quota_take(sealed_zone_t *zone,
    const uint8_t id[SEALED_QUOTA_ID_SIZE], uint32_t n, uint32_t limit,
    uint64_t end, uint32_t *taken)
{
    return sealed_certificate_table_count(zone, id, n, limit, end, taken);
}


void
sealed_quota_return(sealed_zone_t *zone,
    const uint8_t id[SEALED_QUOTA_ID_SIZE], uint32_t n)
{
    sealed_certificate_table_uncount(zone, id, n);
}
