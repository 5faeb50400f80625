/* SPDX-License-Identifier: Apache-2.0
 *
 * Which names a subscriber may have (docs/sim-binding.md section 6). Pure functions over text: what is free is decided by the binding store and the DNS.
 *
 * A name is one label below the operator's domain: letters, digits and hyphen, lower case, 1 to 63 of them, no hyphen at either end, none in
 * third and fourth place ("xn--" and its like), not reserved; all digits only if it is an own number. Names a subscriber's data yield are
 * "given-surname" and the numbers; every other must differ from all other subscribers' also after mapping (fa_name_skeleton()).
 */
#pragma once

#include "common/base/env.h"
#include "fa/core/job.h"

#define FA_CANDIDATES_MAX 16

struct fa_naming {
    char domain[FA_NAME_MAX];
    char (*reserved)[FA_LABEL_MAX]; /* besides the built-in ones */
    size_t n_reserved;
    bool own_only;
};

/* The label as its look-alikes would be written: "-" dropped, 0 to o, 1 and i to l, rn to m, vv to w. At most 63 characters. Returns out. */
const char *fa_name_skeleton(const char *label, char out[FA_LABEL_MAX]);

/* "given-surname" in letters a host name can have: lower case, accents taken off (Latin), blanks and the like become one hyphen. "" when nothing is left. */
const char *fa_name_of_person(const char *given, const char *surname, char out[FA_LABEL_MAX]);

/* Do the data of s yield this label? Asked by subscriber backends for FA_JOB_CLAIM too (compare skeletons of fa_name_of_person() and the numbers). */
bool fa_name_is_own(const struct fa_subscriber *s, const char *label);

/* First label of a name of the domain. ERR_REFUSED: not directly below the domain. ERR_MALFORMED: not a host name. */
MUST_USE err fa_name_label(const struct fa_naming *n, const char *name, char label[FA_LABEL_MAX]);

enum fa_name_verdict {
    FA_NAME_OK,       /* fits; must differ from all others after mapping */
    FA_NAME_OWN,      /* the subscriber's data yield it, and its record allows it to be published */
    FA_NAME_DOMAIN,   /* not directly below our domain */
    FA_NAME_SYNTAX,   /* not a label we give */
    FA_NAME_RESERVED, /* nobody gets it */
    FA_NAME_NUMBER,   /* digits that are not an own number */
    FA_NAME_UNLISTED, /* own name or number that the record does not allow in the DNS */
    FA_NAME_NOT_OWN,  /* only own names are given here */
};
const char *fa_name_verdict_text(enum fa_name_verdict v);
enum fa_name_verdict fa_name_judge(const struct fa_naming *n, const struct fa_subscriber *s, const char *name,
                                   char label[FA_LABEL_MAX]);

struct fa_candidate {
    char label[FA_LABEL_MAX];
    bool own; /* look-alikes of it do not matter */
};

/* The names to try, best first: the wanted ones that may be had, in order; then the first of those with -2 to -9 appended; an opaque one when none was
 * asked for. Returns how many; 0: all wanted names are refused, *why says the first one's verdict. */
size_t fa_name_candidates(const struct fa_naming *n, const struct fa_subscriber *s,
                          const char (*wanted)[FA_NAME_MAX], size_t n_wanted, const struct env *env,
                          struct fa_candidate out[FA_CANDIDATES_MAX], enum fa_name_verdict *why);

/* Lower-case dotted text of an uncompressed wire-form name with root, host-name characters only. ERR_MALFORMED. */
MUST_USE err fa_name_from_wire(struct span wire, char out[FA_NAME_MAX]);
/* Wire form with root. Returns the length; 0: not a name. */
size_t fa_name_to_wire(const char *name, uint8_t out[255]);
