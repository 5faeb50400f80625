/* SPDX-License-Identifier: Apache-2.0
 *
 * The methods of EAP (RFC 3748 and its registry) as far as a binding is concerned: one that is to bind must authenticate both sides and give a key of its own
 * conversation (docs/sim-binding.md section 4). What each of the others lacks is said when it is refused.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define EAP_REFUSAL_MAX 96

/* "MD5"; NULL: not in the table. */
const char *eap_method_name(uint8_t type);
/* It authenticates both sides and gives keys: it could be permitted. */
bool eap_method_binds(uint8_t type);
/* Why it is not permitted, for logs and the audit trail: "EAP method MD5 is not permitted: no keys". Returns out. */
const char *eap_method_refusal(uint8_t type, char out[EAP_REFUSAL_MAX]);
