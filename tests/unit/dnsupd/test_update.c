/* SPDX-License-Identifier: Apache-2.0
 * UPDATE messages octet by octet, and what reconciliation decides. */
#include "tests/unit/dnsupd/vec.h"

#include "dnsupd/zone.h"
#include "tests/unit/dnsupd/opinion.h"

static struct dnsu_name name(const char *text)
{
    struct dnsu_name n;
    assert_int_equal(dnsu_name_from_text(text, &n), ERR_OK);
    return n;
}

static void same(struct span got, const char *hex)
{
    char text[2 * 1024 + 1];
    assert_true(got.n <= 1024);
    assert_string_equal(hex_encode(got, text), hex);
}

/* z. at 12: 017a00; a.z. at 19: 0161c00c, then c013 */
static void messages(void **state)
{
    uint8_t buf[512];
    size_t len;
    struct dnsu_update u;
    struct dnsu_name z = name("z"), a = name("a.z");
    struct span x = span_str("\253");
    dnsu_update_begin(&u, buf, sizeof buf, 0x1234, &z);
    dnsu_pre_name_in_use(&u, &a);
    dnsu_pre_name_free(&u, &a);
    dnsu_pre_rrset_exists(&u, &a, 55);
    dnsu_pre_rrset_absent(&u, &a, 55);
    dnsu_pre_rr(&u, &a, 55, x);
    dnsu_upd_del_rrset(&u, &a, 55);
    dnsu_upd_del_name(&u, &a);
    dnsu_upd_del_rr(&u, &a, 55, x);
    dnsu_upd_add(&u, &a, 55, 300, x);
    assert_int_equal(dnsu_update_end(&u, &len), ERR_OK);
    same(span_of(buf, len), "12342800"
                            "0001"
                            "0005"
                            "0004"
                            "0000"
                            "017a00"
                            "0006"
                            "0001"
                            "0161c00c"
                            "00ff"
                            "00ff"
                            "00000000"
                            "0000"
                            "c013"
                            "00ff"
                            "00fe"
                            "00000000"
                            "0000"
                            "c013"
                            "0037"
                            "00ff"
                            "00000000"
                            "0000"
                            "c013"
                            "0037"
                            "00fe"
                            "00000000"
                            "0000"
                            "c013"
                            "0037"
                            "0001"
                            "00000000"
                            "0001"
                            "ab"
                            "c013"
                            "0037"
                            "00ff"
                            "00000000"
                            "0000"
                            "c013"
                            "00ff"
                            "00ff"
                            "00000000"
                            "0000"
                            "c013"
                            "0037"
                            "00fe"
                            "00000000"
                            "0001"
                            "ab"
                            "c013"
                            "0037"
                            "0001"
                            "0000012c"
                            "0001"
                            "ab");
}

static void refused(void **state)
{
    uint8_t buf[512];
    size_t len;
    struct dnsu_update u;
    struct dnsu_name z = name("z"), a = name("a.z"), y = name("a.y");
    dnsu_update_begin(&u, buf, sizeof buf, 0, &z);
    dnsu_upd_add(&u, &y, 55, 1, span_str("x")); /* NOTZONE */
    assert_int_equal(dnsu_update_end(&u, &len), ERR_RANGE);
    dnsu_update_begin(&u, buf, sizeof buf, 0, &z);
    dnsu_upd_del_name(&u, &a);
    dnsu_pre_name_free(&u, &a); /* sections in order */
    assert_int_equal(dnsu_update_end(&u, &len), ERR_STATE);
    for (size_t cap = 0; cap < 33; cap++) {
        uint8_t *tight = malloc(cap + 1);
        dnsu_update_begin(&u, tight, cap, 0, &z);
        dnsu_pre_name_free(&u, &a);
        assert_int_equal(dnsu_update_end(&u, &len), ERR_SPACE);
        free(tight);
    }
}

/* ---- reconciliation ---- */

static const struct dnsu_set none = { .type = 55 };
static struct dnsu_set set(uint16_t type, const char *one, const char *two)
{
    struct dnsu_set s = { .type = type, .ttl = 300 };
    if (one)
        s.rdata[s.n++] = span_str(one);
    if (two)
        s.rdata[s.n++] = span_str(two);
    return s;
}

/* The sections of a message as words: "free a.z. | del 55, add 55 A". */
static const char *say(struct span m)
{
    static char out[512];
    struct dnsu_reader r;
    struct dnsu_rec rec;
    unsigned section = 1;
    *out = 0;
    assert_int_equal(dnsu_reader_init(&r, m), ERR_OK);
    while (dnsu_reader_next(&r, &rec)) {
        char part[100];
        const char *verb = "?";
        if (rec.section != section)
            strcat(out, "| ");
        section = rec.section;
        if (rec.section == 1)
            verb = rec.type == DNSU_TYPE_ANY    ? (rec.cls == DNSU_CLASS_NONE ? "free" : "used")
                   : rec.cls == DNSU_CLASS_NONE ? "absent"
                   : rec.cls == DNSU_CLASS_ANY  ? "exists"
                                                : "is";
        else
            verb = rec.cls == DNSU_CLASS_IN ? "add" : rec.cls == DNSU_CLASS_ANY ? "del" : "delrr";
        snprintf(part, sizeof part, "%s %u %.*s ", verb, rec.type, (int)rec.rdata.n, rec.rdata.p);
        strcat(out, part);
    }
    assert_true(dnsu_reader_end(&r));
    return out;
}

static struct dnsu_zone_msgs m;
static struct dnsu_name Z, A;

static void expect(const char *message, const char *proof)
{
    assert_string_equal(say(span_of(m.message, m.message_len)), message);
    assert_string_equal(say(span_of(m.proof, m.proof_len)), proof);
}

static void writes(void **state)
{
    struct dnsu_set a = set(55, "A", NULL), b = set(55, "B", NULL), ab = set(55, "A", "B"),
                    v4 = set(1, "4", NULL);
    assert_int_equal(dnsu_zone_write(&Z, &A, &none, &a, &m), ERR_OK);
    expect("free 255  | add 55 A ", "is 55 A ");
    assert_int_equal(dnsu_zone_write(&Z, &A, &a, &b, &m), ERR_OK);
    expect("is 55 A | del 55  add 55 B ", "is 55 B ");
    assert_int_equal(dnsu_zone_write(&Z, &A, &ab, &none, &m), ERR_OK);
    expect("is 55 A is 55 B | del 55  ", "absent 55  ");
    assert_int_equal(dnsu_zone_write(&Z, &A, &none, &none, &m), ERR_STATE);
    assert_int_equal(dnsu_zone_write(&Z, &A, &v4, &a, &m), ERR_RANGE);
    struct dnsu_name other = name("a.other");
    assert_int_equal(dnsu_zone_write(&Z, &other, &none, &a, &m), ERR_RANGE);
}

/* A true record, as it goes to a server, and what ldns makes of it. */
static void second_opinion(void **state)
{
    struct octets rd = octets_hex("1003000411111111111111111111111111111111"
                                  "aabbccdd"
                                  "0166017a00");
    struct dnsu_set want = { .type = 55, .ttl = 300, .n = 1, .rdata = { octets_span(&rd) } };
    assert_int_equal(dnsu_zone_write(&Z, &A, &none, &want, &m), ERR_OK);
    assert_true(opinion_update(m.message, m.message_len));
    m.message[m.message_len - 1] = 1;
    assert_false(opinion_update(m.message, m.message_len));
}

static void mends(void **state)
{
    struct dnsu_set a = set(55, "A", NULL), b = set(55, "B", NULL), c = set(55, "C", NULL),
                    ab = set(55, "A", "B"), ba = set(55, "B", "A");
    const struct {
        const struct dnsu_set *last, *want, *holds;
        bool in_use;
        enum dnsu_plan plan;
        const char *message;
    } row[] = {
        { &none, &a, &none, false, DNSU_PLAN_UPDATE,
          "free 255  | add 55 A " },                         /* intent never reached the DNS */
        { &none, &a, &a, true, DNSU_PLAN_NOTHING, NULL },    /* it did */
        { &none, &a, &b, true, DNSU_PLAN_FOREIGN, NULL },    /* somebody else's HIP record */
        { &none, &a, &none, true, DNSU_PLAN_FOREIGN, NULL }, /* somebody else's other data */
        { &a, &b, &a, true, DNSU_PLAN_UPDATE, "is 55 A | del 55  add 55 B " },
        { &a, &b, &b, true, DNSU_PLAN_NOTHING, NULL },
        { &a, &b, &c, true, DNSU_PLAN_FOREIGN, NULL },
        { &a, &b, &ab, true, DNSU_PLAN_FOREIGN, NULL },
        { &a, &a, &none, false, DNSU_PLAN_UPDATE,
          "free 255  | add 55 A " }, /* zone restored from before us */
        { &a, &none, &a, true, DNSU_PLAN_UPDATE, "is 55 A | del 55  " },
        { &a, &none, &none, false, DNSU_PLAN_NOTHING, NULL },
        { &a, &none, &none, true, DNSU_PLAN_NOTHING, NULL }, /* the name has other data: not ours */
        { &a, &none, &b, true, DNSU_PLAN_FOREIGN, NULL },
        { &ab, &a, &ba, true, DNSU_PLAN_UPDATE, "is 55 A is 55 B | del 55  add 55 A " },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        enum dnsu_plan p = 99;
        assert_int_equal(
            dnsu_zone_mend(&Z, &A, row[i].last, row[i].want, row[i].holds, row[i].in_use, &p, &m), ERR_OK);
        if (p != row[i].plan)
            fail_msg("row %zu: %s", i, dnsu_plan_name(p));
        if (row[i].message)
            assert_string_equal(say(span_of(m.message, m.message_len)), row[i].message);
    }
}

static void own(void **state)
{
    struct dnsu_set want[2] = { set(1, "4", NULL), set(28, "6", "7") }, holds[2];
    enum dnsu_plan p;
    holds[0] = set(1, NULL, NULL), holds[1] = set(28, NULL, NULL);
    assert_int_equal(dnsu_zone_own(&Z, &A, want, holds, 2, &p, &m), ERR_OK);
    assert_int_equal(p, DNSU_PLAN_UPDATE);
    expect("absent 1  absent 28  | add 1 4 add 28 6 add 28 7 ", "is 1 4 is 28 6 is 28 7 ");
    holds[0] = set(1, "4", NULL), holds[1] = set(28, "5", NULL); /* what somebody put there is replaced */
    assert_int_equal(dnsu_zone_own(&Z, &A, want, holds, 2, &p, &m), ERR_OK);
    assert_int_equal(p, DNSU_PLAN_UPDATE);
    expect("is 1 4 is 28 5 | del 28  add 28 6 add 28 7 ", "is 1 4 is 28 6 is 28 7 ");
    holds[1] = set(28, "7", "6");
    assert_int_equal(dnsu_zone_own(&Z, &A, want, holds, 2, &p, &m), ERR_OK);
    assert_int_equal(p, DNSU_PLAN_NOTHING);
    want[1].n = 0;
    assert_int_equal(dnsu_zone_own(&Z, &A, want, holds, 2, &p, &m), ERR_OK);
    expect("is 1 4 is 28 7 is 28 6 | del 28  ", "is 1 4 absent 28  ");
    holds[1].type = 1;
    assert_int_equal(dnsu_zone_own(&Z, &A, want, holds, 2, &p, &m), ERR_RANGE);
}

static int setup(void **state)
{
    return dnsu_name_from_text("z", &Z) == ERR_OK && dnsu_name_from_text("a.z", &A) == ERR_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages), cmocka_unit_test(refused), cmocka_unit_test(writes),
        cmocka_unit_test(mends),    cmocka_unit_test(own),     cmocka_unit_test(second_opinion),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
