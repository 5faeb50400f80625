/* SPDX-License-Identifier: Apache-2.0
 * The lists of hip/proto.h hold together: order, coverage by range, names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hip/auth.h"
#include "hip/drop.h"
#include "hip/encrypted.h"
#include "hip/keymat.h"
#include "hip/param_cert.h"
#include "hip/param_data.h"
#include "hip/param_echo.h"
#include "hip/param_esp.h"
#include "hip/param_loc.h"
#include "hip/param_nat.h"
#include "hip/param_reg.h"
#include "hip/proto.h"
#include "hip/puzzle.h"
#include "hip/suite.h"

static void test_param_order(void **s)
{
    const struct hip_param_row *r;
    uint16_t last = 0;
    size_t n = 0;
    for (; (r = hip_param_row_at(n)); n++) {
        assert_true(r->type > last);
        last = r->type;
        assert_ptr_equal(hip_param_row(r->type), r);
        assert_true(r->min <= r->max);
        assert_true(r->multiple >= 1);
        assert_true(r->count >= 1);
    }
    assert_int_equal(n, 58);
    assert_null(hip_param_row(0));
    assert_null(hip_param_row(66));
    assert_null(hip_param_row(65535));
}

/* RFC 7401 s5.2: the ranges say what covers a parameter. */
static void test_param_cover(void **s)
{
    const struct hip_param_row *r;
    for (size_t i = 0; (r = hip_param_row_at(i)); i++) {
        enum hip_cover want = r->type <= 61439                           ? HIP_COVER_SIGNED
                              : r->type <= 62463                         ? HIP_COVER_AUTH
                              : r->type <= 63487                         ? HIP_COVER_NONE
                              : r->type == HIP_PAR_ECHO_REQUEST_UNSIGNED ? HIP_COVER_NONE
                                                                         : HIP_COVER_RELAY;
        assert_int_equal(r->cover, want);
    }
}

static void test_needs_are_allowed(void **s)
{
    const struct hip_packet_row *p;
    for (size_t i = 0; (p = hip_packet_row_at(i)); i++) {
        for (size_t j = 0; p->needs[j].a; j++) {
            assert_true(j < 8);
            assert_true(hip_param_row(p->needs[j].a)->where & p->where);
            if (p->needs[j].b)
                assert_true(hip_param_row(p->needs[j].b)->where & p->where);
        }
        assert_true(p->where || !p->processed);
    }
}

static void test_tlv_len(void **s)
{
    assert_int_equal(hip_tlv_len(0), 8);
    assert_int_equal(hip_tlv_len(4), 8);
    assert_int_equal(hip_tlv_len(5), 16);
    assert_int_equal(hip_tlv_len(12), 16);
    assert_int_equal(hip_tlv_len(36), 40);
}

static void test_names(void **s)
{
    assert_string_equal(hip_packet_name(16), "UPDATE");
    assert_string_equal(hip_packet_name(5), "?");
    assert_string_equal(hip_param_name(641), "ENCRYPTED");
    assert_string_equal(hip_param_name(642), "?");
    assert_string_equal(hip_notify_name(24), "AUTHENTICATION_FAILED");
    assert_string_equal(hip_notify_name(2), "?");
    assert_string_equal(hip_reg_type_name(201), "SIM_BINDING");
    assert_string_equal(hip_reg_type_name(0), "?");
    assert_string_equal(hip_reg_failure_text(2), "insufficient resources");
    assert_string_equal(hip_reg_failure_text(200), "?");
    assert_string_equal(hip_drop_name(0), "TAKEN");
    assert_string_equal(hip_drop_name(HIP_DROP_BAD_CHECKSUM), "BAD_CHECKSUM");
    assert_string_equal(hip_drop_name(HIP_DROP__COUNT), "UNKNOWN");
    assert_string_equal(hip_drop_name(-1), "UNKNOWN");
    for (int i = 0; i < HIP_DROP__COUNT; i++)
        assert_true(strlen(hip_drop_text(i)) > 0);
}

int main(void)
{
    const struct CMUnitTest t[] = {
        cmocka_unit_test(test_param_order),
        cmocka_unit_test(test_param_cover),
        cmocka_unit_test(test_needs_are_allowed),
        cmocka_unit_test(test_tlv_len),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(t, NULL, NULL);
}
