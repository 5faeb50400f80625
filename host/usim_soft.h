/* SPDX-License-Identifier: Apache-2.0
 *
 * A USIM in software behind aka/usim.h: Milenage or TUAK, its keys from a file that only its owner may read, the array of sequence numbers
 * kept in a file beside it and written there before an answer leaves (TS 33.102 Annex C.2).
 *
 * The card's file is flat YAML, a key and its value on each line:
 *
 *   imsi: "001010000000001"
 *   mnc_length: 2                # digits of the MNC, 2 or 3 (default 2)
 *   iccid: "8900101000000000100" # optional
 *   k: 465b5ce8b199b49faa5f0a2ee238a6bc
 *   opc: cd63cb71954a9f4e48a5994e37a02baf   # or op:
 *   algorithm: milenage          # default; tuak: k has 32 or 64 digits, topc: or top: 64 digits in the place of opc and op,
 *                                # res_length: 4, 8 or 16 octets (default 8), iterations: of Keccak (default 1)
 *   gsm: yes                     # answers in GSM context (default yes): level sim-key of the sealed store, else sim-gate
 *   sqn_file: PATH               # default: this file's name with ".sqn"
 *
 * Not in the configuration's own reader: what stands here is secret and stays in locked memory.
 */
#pragma once

#include "aka/usim.h"
#include "common/rt/file.h"

struct usim_soft;

/* Reads the card; *card's functions block (disk) and are for one thread at a time. why: one line for people.
 * ERR_NOT_FOUND, ERR_REFUSED (readable by others), ERR_CONFIG (what is wrong in which line), ERR_IO, ERR_MEMORY. */
MUST_USE err usim_soft_open(const char *path, struct usim_soft **out, struct usim *card,
                            char why[RT_FILE_WHY_MAX]);
void usim_soft_close(struct usim_soft *s); /* wipes; NULL is fine */
