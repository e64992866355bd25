"""JSON texts after RFC 8259: (name, text, verdict). y accept, n refuse, i open (any answer, no crash).

Two of the open points are decided here: a repeated key and invalid UTF-8 are refused; half of a surrogate pair in an
escape is accepted (it becomes U+FFFD).
"""

CASES = [
    # structure
    ("array_empty", b"[]", "y"), ("array_empty_spaces", b"[ \t\r\n]", "y"), ("array_nested_empty", b"[[]]", "y"),
    ("array_mixed", b'[null, 1, "1", {}]', "y"), ("array_with_null", b"[null]", "y"), ("array_heterogeneous", b"[true,false]", "y"),
    ("array_trailing_space", b"[2] ", "y"), ("array_leading_space", b" [1]", "y"), ("array_several_null", b"[1,null,null,null,2]", "y"),
    ("object_empty", b"{}", "y"), ("object_empty_key", b'{"":0}', "y"), ("object_basic", b'{"a":"b","c":[1,{"d":null}]}', "y"),
    ("object_long_key", b'{"' + b"k" * 4000 + b'":1}', "y"), ("object_escaped_nul_key", b'{"a\\u0000b":1}', "y"),
    ("object_with_newlines", b'{\n"a": "b"\n}', "y"), ("object_similar_keys", b'{"a":1,"A":2}', "y"),
    ("lonely_string", b'"text"', "y"), ("lonely_int", b"42", "y"), ("lonely_negative", b"-0.1", "y"), ("lonely_true", b"true", "y"),
    ("lonely_false", b"false", "y"), ("lonely_null", b"null", "y"), ("string_empty", b'""', "y"), ("trailing_newline", b'{"a":1}\n', "y"),
    ("depth_100", b"[" * 100 + b"]" * 100, "y"),
    # numbers
    ("number_zero", b"0", "y"), ("number_minus_zero", b"[-0]", "y"), ("number_int", b"[123]", "y"), ("number_real", b"[123.456]", "y"),
    ("number_exp", b"[1E22]", "y"), ("number_exp_minus", b"[1E-2]", "y"), ("number_exp_plus", b"[1E+2]", "y"), ("number_exp_zero", b"[0e+1]", "y"),
    ("number_real_exp", b"[123e65]", "y"), ("number_fraction_exp", b"[123.456e78]", "y"), ("number_small", b"[1e-400]", "i"),
    ("number_huge_exp", b"[1e400]", "i"), ("number_huge_int", b"[100000000000000000000]", "i"), ("number_max_int64", b"[9223372036854775807]", "y"),
    ("number_min_int64", b"[-9223372036854775808]", "y"), ("number_many_digits", b"[0." + b"1" * 500 + b"]", "y"), ("number_very_long", b"1" * 100_000, "i"),
    ("number_plus", b"[+1]", "n"), ("number_leading_zero", b"[012]", "n"), ("number_minus_leading_zero", b"[-012]", "n"), ("number_dot_first", b"[.5]", "n"),
    ("number_dot_last", b"[1.]", "n"), ("number_dot_exp", b"[0.e1]", "n"), ("number_two_dots", b"[1.2.3]", "n"), ("number_minus_only", b"[-]", "n"),
    ("number_two_minus", b"[--1]", "n"), ("number_exp_no_digits", b"[1e]", "n"), ("number_exp_sign_only", b"[1e+]", "n"), ("number_two_exp", b"[1e1e1]", "n"),
    ("number_hex", b"[0x1F]", "n"), ("number_nan", b"[NaN]", "n"), ("number_infinity", b"[Infinity]", "n"), ("number_minus_infinity", b"[-Infinity]", "n"),
    ("number_with_letter", b"[1a]", "n"), ("number_with_space", b"[1 000]", "n"), ("number_minus_space", b"[- 1]", "n"), ("number_fullwidth", "[１]".encode(), "n"),
    ("number_expression", b"[1+2]", "n"), ("number_underscore", b"[1_000]", "n"), ("number_exp_fraction", b"[1e0.5]", "n"),
    # strings
    ("string_escapes", b'["\\"\\\\\\/\\b\\f\\n\\r\\t"]', "y"), ("string_unicode_escape", b'["\\u0041\\u00e9"]', "y"), ("string_escape_case", b'["\\u00Ff"]', "y"),
    ("string_pair", b'["\\uD83D\\uDE00"]', "y"), ("string_pair_lower", b'["\\ud83d\\ude00"]', "y"), ("string_nul_escape", b'["\\u0000"]', "y"),
    ("string_utf8", "[\"é€😀\"]".encode(), "y"), ("string_del", b'["\x7f"]', "y"), ("string_noncharacter", b'["\\uFFFE\\uFFFF"]', "y"),
    ("string_line_separators", "[\"\u2028\u2029\"]".encode(), "y"), ("string_max_point", "[\"\U0010ffff\"]".encode(), "y"), ("string_bom_inside", "[\"\ufeff\"]".encode(), "y"),
    ("string_double_escape", b'["\\\\u0000"]', "y"), ("string_comment_like", b'["a/*b*/c//d"]', "y"), ("string_long", b'["' + b"x" * 100_000 + b'"]', "y"),
    ("string_lone_high", b'["\\uD83D"]', "y"), ("string_lone_low", b'["\\uDE00"]', "y"), ("string_two_high", b'["\\uD83D\\uD83D"]', "y"),
    ("string_inverted_pair", b'["\\uDE00\\uD83D"]', "y"), ("string_high_then_text", b'["\\uD83Dabc"]', "y"),
    ("string_raw_newline", b'["a\nb"]', "n"), ("string_raw_tab", b'["a\tb"]', "n"), ("string_raw_nul", b'["a\x00b"]', "n"), ("string_raw_escape_char", b'["\x1b"]', "n"),
    ("string_bad_escape", b'["\\x41"]', "n"), ("string_escape_a", b'["\\a"]', "n"), ("string_escape_quote", b"[\"\\'\"]", "n"), ("string_escape_upper_u", b'["\\U0041"]', "n"),
    ("string_short_u", b'["\\u00A"]', "n"), ("string_bad_hex", b'["\\u00GG"]', "n"), ("string_u_only", b'["\\u"]', "n"), ("string_pair_cut", b'["\\uD83D\\u"]', "n"),
    ("string_escape_at_end", b'["\\', "n"), ("string_unclosed", b'["abc', "n"), ("string_single_quotes", b"['abc']", "n"), ("string_no_quotes", b"[abc]", "n"),
    ("string_curly_quotes", "[“abc”]".encode(), "n"), ("string_escaped_emoji", "[\"\\😀\"]".encode(), "n"), ("string_octal", b'["\\012"]', "n"),
    ("string_line_continuation", b'["a\\\nb"]', "n"),
    # encoding
    ("utf8_truncated", b'["\xe2\x82"]', "n"), ("utf8_stray_continuation", b'["\x80"]', "n"), ("utf8_overlong_slash", b'["\xc0\xaf"]', "n"),
    ("utf8_overlong_3", b'["\xe0\x80\xaf"]', "n"), ("utf8_surrogate", b'["\xed\xa0\x80"]', "n"), ("utf8_too_big", b'["\xf4\x90\x80\x80"]', "n"), ("utf8_fe", b'["\xfe"]', "n"),
    ("utf8_in_key", b'{"\xff":1}', "n"), ("latin1", b'["\xe9"]', "n"), ("utf16_le", '["é"]'.encode("utf-16-le"), "n"), ("utf16_bom", '["é"]'.encode("utf-16"), "n"),
    ("bom_before", b"\xef\xbb\xbf{}", "i"), ("bom_alone", b"\xef\xbb\xbf", "n"),
    # what it is not
    ("nothing", b"", "n"), ("space_only", b" \n", "n"), ("array_unclosed", b"[1", "n"), ("array_unclosed_comma", b"[1,", "n"), ("array_trailing_comma", b"[1,]", "n"),
    ("array_two_commas", b"[1,,2]", "n"), ("array_leading_comma", b"[,1]", "n"), ("array_only_comma", b"[,]", "n"), ("array_missing_comma", b"[1 2]", "n"),
    ("array_colon", b'["a":1]', "n"), ("array_extra_close", b"[1]]", "n"), ("array_wrong_close", b"[1}", "n"), ("array_then_text", b"[1]x", "n"), ("two_values", b"1 2", "n"),
    ("object_trailing_comma", b'{"a":1,}', "n"), ("object_two_commas", b'{"a":1,,"b":2}', "n"), ("object_no_value", b'{"a":}', "n"), ("object_no_colon", b'{"a" 1}', "n"),
    ("object_comma_for_colon", b'{"a",1}', "n"), ("object_two_colons", b'{"a"::1}', "n"), ("object_no_key", b"{:1}", "n"), ("object_bare_key", b"{a:1}", "n"),
    ("object_single_quoted_key", b"{'a':1}", "n"), ("object_number_key", b"{1:1}", "n"), ("object_null_key", b"{null:1}", "n"), ("object_unclosed", b'{"a":1', "n"),
    ("object_key_only", b'{"a"', "n"), ("object_wrong_close", b'{"a":1]', "n"), ("object_value_only", b'{"a"}', "n"), ("object_repeated_key", b'{"a":1,"a":2}', "n"),
    ("object_repeated_key_same", b'{"a":1,"a":1}', "n"), ("object_repeated_key_escaped", b'{"a":1,"\\u0061":2}', "n"), ("object_repeated_deep", b'[{"x":{"b":0,"b":0}}]', "n"),
    ("word_upper", b"[TRUE]", "n"), ("word_capital", b"[True]", "n"), ("word_cut", b"[tru]", "n"), ("word_long", b"[nulll]", "n"), ("word_undefined", b"[undefined]", "n"),
    ("comment_line", b"[1] // x", "n"), ("comment_block", b"/* x */ [1]", "n"), ("comment_hash", b"# x\n[1]", "n"), ("space_nbsp", "[\u00a01]".encode(), "n"),
    ("space_form_feed", b"[\x0c1]", "n"), ("space_vertical_tab", b"[\x0b1]", "n"), ("space_nul", b"[1]\x00", "n"), ("line_separator_space", "\u2028[]".encode(), "n"),
    ("deep_open_100000", b"[" * 100_000, "n"), ("deep_closed_100000", b"[" * 100_000 + b"]" * 100_000, "n"), ("deep_objects", b'[{"":' * 50_000, "n"),
    ("html", b"<html></html>", "n"), ("star", b"*", "n"), ("close_only", b"]", "n"), ("quote_only", b'"', "n"), ("escape_outside", b"[\\u0031]", "n"),
]
