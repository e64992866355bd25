"""JSON5 texts after the 1.0.0 specification: (name, text, value or REFUSE or ANY)."""


class REFUSE:
    """The text must be refused."""


class ANY:
    """Accepted or refused, no crash."""


CASES = [
    # what JSON also has
    ("empty_object", b"{}", {}), ("empty_array", b"[]", []), ("nested", b'{"a":[1,{"b":null}]}', {"a": [1, {"b": None}]}), ("literals", b"[true,false,null]", [True, False, None]),
    ("lonely_string", b'"x"', "x"), ("lonely_number", b"5", 5), ("double_quoted_escapes", b'"\\u0041\\n\\t\\\\"', "A\n\t\\"),
    # objects
    ("bare_keys", b"{a:1,$b:2,_c:3,d4:4}", {"a": 1, "$b": 2, "_c": 3, "d4": 4}), ("unicode_key", "{ümläut:1,ключ:2}".encode(), {"ümläut": 1, "ключ": 2}),
    ("escaped_key", b"{\\u0061b:1}", {"ab": 1}), ("reserved_word_keys", b"{while:1,null:2,true:3,class:4}", {"while": 1, "null": 2, "true": 3, "class": 4}),
    ("infinity_key", b"{Infinity:1,NaN:2}", {"Infinity": 1, "NaN": 2}), ("single_quoted_key", b"{'a b':1}", {"a b": 1}), ("empty_quoted_key", b"{'':1}", {"": 1}),
    ("trailing_comma_object", b"{a:1,}", {"a": 1}), ("double_underscore_proto", b"{__proto__:1}", {"__proto__": 1}), ("zero_width_joiner_key", "{a\u200db:1}".encode(), {"a\u200db": 1}),
    ("only_comma_object", b"{,}", REFUSE), ("two_commas_object", b"{a:1,,}", REFUSE), ("leading_comma_object", b"{,a:1}", REFUSE), ("number_key", b"{1:1}", REFUSE),
    ("digit_first_key", b"{1a:1}", REFUSE), ("dash_key", b"{a-b:1}", REFUSE), ("dot_key", b"{a.b:1}", REFUSE), ("missing_colon", b"{a 1}", REFUSE), ("missing_value", b"{a:}", REFUSE),
    ("missing_comma", b"{a:1 b:2}", REFUSE), ("repeated_key", b"{a:1,a:2}", REFUSE), ("repeated_key_spellings", b"{a:1,'a':2}", REFUSE), ("bad_escaped_key", b"{\\u002d:1}", REFUSE),
    ("template_key", b"{`a`:1}", REFUSE), ("bracket_key", b"{[a]:1}", REFUSE),
    # arrays
    ("trailing_comma_array", b"[1,2,]", [1, 2]), ("only_comma_array", b"[,]", REFUSE), ("hole", b"[1,,2]", REFUSE), ("two_trailing_commas", b"[1,,]", REFUSE), ("spread", b"[...a]", REFUSE),
    # strings
    ("single_quotes", b"'it\"s'", 'it"s'), ("escaped_single", b"'it\\'s'", "it's"), ("line_continuation_lf", b"'a\\\nb'", "ab"), ("line_continuation_crlf", b"'a\\\r\nb'", "ab"),
    ("line_continuation_cr", b"'a\\\rb'", "ab"), ("line_continuation_ls", "'a\\\u2028b'".encode(), "ab"), ("hex_escape", b"'\\x41\\xe9'", "Aé"), ("vertical_tab_escape", b"'\\v\\0'", "\v\0"),
    ("useless_escapes", b"'\\a\\q\\z'", "aqz"), ("raw_line_separators", "'\u2028\u2029'".encode(), "\u2028\u2029"), ("raw_tab", b"'a\tb'", "a\tb"), ("surrogate_pair", b"'\\uD83D\\uDE00'", "😀"),
    ("emoji", "'😀'".encode(), "😀"), ("quote_in_other_quotes", b"\"'\"", "'"),
    ("raw_newline", b"'a\nb'", REFUSE), ("unclosed", b"'abc", REFUSE), ("mixed_quotes", b"'abc\"", REFUSE), ("octal_escape", b"'\\01'", REFUSE), ("digit_escape", b"'\\1'", REFUSE),
    ("short_hex_escape", b"'\\x4'", REFUSE), ("bad_hex_escape", b"'\\xzz'", REFUSE), ("short_unicode_escape", b"'\\u004'", REFUSE), ("backtick", b"`abc`", REFUSE), ("invalid_utf8", b"'\xff'", REFUSE),
    # numbers
    ("hex", b"[0x1F,0XaB]", [31, 171]), ("hex_sign", b"[-0x10,+0x10]", [-16, 16]), ("leading_dot", b".5", 0.5), ("trailing_dot", b"5.", 5), ("trailing_dot_exp", b"5.e2", 500), ("plus", b"+5", 5),
    ("minus", b"-5.25", -5.25), ("exponent", b"1e3", 1000), ("exponent_upper", b"1E-2", 0.01), ("zero_point", b"0.0", 0), ("infinity", b"Infinity", ANY), ("nan", b"NaN", ANY), ("minus_infinity", b"-Infinity", ANY),
    ("plus_nan", b"+NaN", ANY), ("octal", b"010", REFUSE), ("octal_minus", b"-010", REFUSE), ("leading_zero_fraction", b"01.5", REFUSE), ("dot_only", b".", REFUSE), ("dot_exp", b".e1", REFUSE),
    ("hex_empty", b"0x", REFUSE), ("hex_fraction", b"0x1.5", REFUSE), ("hex_letter", b"0x1G", REFUSE), ("binary", b"0b1", REFUSE), ("new_octal", b"0o7", REFUSE), ("two_signs", b"+-1", REFUSE), ("two_dots", b"1.2.3", REFUSE),
    ("exp_only", b"1e", REFUSE), ("underscore", b"1_000", REFUSE), ("bigint", b"1n", REFUSE), ("sign_space", b"- 1", REFUSE), ("lower_infinity", b"infinity", REFUSE), ("lower_nan", b"nan", REFUSE), ("huge_hex", b"0x" + b"f" * 100, ANY),
    # comments and white space
    ("line_comment", b"// x\n{} // y", {}), ("line_comment_at_end", b"{}//", {}), ("line_comment_cr", b"// x\r{}", {}), ("block_comment", b"/* x */{/* y */}/* z */", {}), ("block_comment_stars", b"/***/[/**/]", []),
    ("comment_in_between", b"{a/*1*/:/*2*/1/*3*/,/*4*/}", {"a": 1}), ("comment_like_in_string", b"'/*x*/ // y'", "/*x*/ // y"), ("all_spaces", "\t\v\f \u00a0\ufeff\n\r\u2028\u2029\u2003{}".encode(), {}),
    ("block_comment_unclosed", b"{} /* x", REFUSE), ("block_comment_nested", b"/* /* */ */ {}", REFUSE), ("slash_only", b"{} /", REFUSE), ("hash_comment", b"# x\n{}", REFUSE), ("html_comment", b"<!-- x -->{}", REFUSE),
    ("other_space", "\u200b{}".encode(), REFUSE), ("comment_only", b"// nothing", REFUSE), ("empty", b"", REFUSE), ("space_only", b" \n", REFUSE),
    # the rest
    ("undefined", b"undefined", REFUSE), ("capital_true", b"True", REFUSE), ("bare_word", b"hello", REFUSE), ("two_values", b"1 2", REFUSE), ("after_value", b"{} x", REFUSE), ("regex", b"/x/", REFUSE), ("function", b"(1)", REFUSE),
    ("unclosed_object", b"{a:1", REFUSE), ("unclosed_array", b"[1", REFUSE), ("wrong_close", b"{a:1]", REFUSE), ("deep_open", b"[" * 100_000, REFUSE), ("deep_closed", b"[" * 100_000 + b"]" * 100_000, REFUSE), ("deep_100", b"[" * 100 + b"]" * 100, ANY),
]
