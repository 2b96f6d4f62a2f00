"""JSON texts that a strict reader takes, refuses, or may do either with.

YES: RFC 8259 says that they are JSON.  NO: they are not.  ODD: the RFC
leaves them open; our answer is pinned (True: taken, False: refused).
"""

YES = [
    b"null", b"true", b"false", b"0", b"-0", b"1", b"-1", b"42", b"0.5",
    b"-0.5", b"1.0", b"10.25", b"1e1", b"1E1", b"1e+1", b"1e-1", b"1.5e10",
    b"0e1", b"0e+1", b"0.0", b"-1.25E-3", b"9223372036854775807",
    b"-9223372036854775808", b"123456789012345678", b"1e308", b"1e-400",
    b'""', b'" "', b'"a"', b'"\xc3\xa4"', b'"\xe2\x82\xac"',
    b'"\xf0\x9f\x98\x80"', b'"\x7f"', b'"\xef\xbf\xbf"',
    b'"\xf4\x8f\xbf\xbf"', b'"\xe2\x80\xa8\xe2\x80\xa9"', rb'"\""',
    rb'"\\"', rb'"\/"', rb'"\b\f\n\r\t"', rb'"\u0041"', rb'"\u00e4"',
    rb'"\uABCD\uabcd"', rb'"\u0000"', rb'"\ud83d\ude00"',
    rb'"\uDBFF\uDFFF"', rb'"\u005c\u0022"', b'"http://a/b"', b"[]",
    b"[ ]", b"[1]", b"[1,2,3]", b"[[]]", b"[[],[[]]]", b"[null,true]",
    b"[ 1 , 2 ]", b"{}", b"{ }", b'{"a":1}', b'{"a":1,"b":2}',
    b'{"":0}', b'{"a":{"b":{"c":[]}}}', b'{"a":1,"a":2}',
    b' {"a" : [ 1 ] } ', b'\t\r\n {"a"\n:\t1\r}', b'[{},{},[]]',
    b'{"\xc3\xa4":1}', rb'{"\u0061":1}', b"[" * 40 + b"]" * 40,
    b'{"a":' * 20 + b"1" + b"}" * 20,
]

NO = [
    # numbers
    b"-", b"+1", b"01", b"-01", b"00", b"-00", b"1.", b".1", b"-.1",
    b"1.e1", b"1e", b"1e+", b"1e-", b"1E", b"1.5e", b"e1", b"0x1", b"0b1",
    b"1_000", b"1,000.5.5", b"1 2", b"1.2.3", b"--1", b"-+1", b"++1",
    b"0.e1", b"1e1.5", b"1ee1", b"- 1", b"1a", b"0a", b"012.5", b"-a",
    b"1e+-1", b"NaN", b"nan", b"-NaN", b"Infinity", b"-Infinity", b"inf",
    b"Inf", b"\xef\xbc\x91", b"1L", b"1.0f", b"0o7", b"$1",
    # words
    b"nul", b"tru", b"fals", b"True", b"NULL", b"nulll", b"truefalse",
    b"undefined", b"none", b"yes", b"t", b"n", b"null null",
    # strings
    b'"', b'"a', b'a"', b"'a'", b'"a""', b'"\\"', b'"\\a"', b'"\\x41"',
    b'"\\u"', b'"\\u1"', b'"\\u12"', b'"\\u123"', b'"\\u123g"',
    b'"\\U0041"', b'"\\ "', b'"\\0"', b'"\\\n"', b'"a\nb"', b'"a\tb"',
    b'"a\rb"', b'"\0"', b'"\x01"', b'"\x1f"', b'"\\', b'"\\u00', b"`a`",
    b'"\\v"', b'"\\\'"', b'"\\u{41}"', b"a", b'"a" "b"',
    # bytes that are not UTF-8
    b'"\x80"', b'"\xff"', b'"\xfe"', b'"\xc3"', b'"\xc3("', b'"\xe2\x82"',
    b'"\xe2(\xa1"', b'"\xc0\xaf"', b'"\xc1\xbf"', b'"\xe0\x80\xaf"',
    b'"\xe0\x9f\xbf"', b'"\xf0\x80\x80\xaf"', b'"\xed\xa0\x80"',
    b'"\xed\xbf\xbf"', b'"\xf4\x90\x80\x80"', b'"\xf5\x80\x80\x80"',
    b'"\xf8\x88\x80\x80\x80"', b'"\xe4"', b"\xff", b'{"\xff":1}',
    # arrays
    b"[", b"]", b"[1", b"[1,", b"[1,]", b"[,1]", b"[,]", b"[1,,2]",
    b"[1 2]", b"[1;2]", b"[1]]", b"[[1]", b"[}", b"[1}", b"[1:2]",
    b'["a":1]', b"[...]", b"[*]", b"(1)", b"[1],",
    # objects
    b"{", b"{]", b"{1}", b'{"a"}', b'{"a":}', b'{"a" 1}', b'{"a":1,}',
    b'{,"a":1}', b'{"a":1,,"b":2}', b'{"a":1 "b":2}', b'{"a"::1}',
    b'{"a",1}', b"{a:1}", b"{'a':1}", b"{1:1}", b"{null:1}", b'{:1}',
    b'{"a":1}}', b'{"a":1', b'{"a":1;}', b'{"a"=1}', b'{"a":"b}',
    b'{"a":1,"b"}', b'{[]:1}', b'{"a":1, /* b */ "b":2}', b'{"a":1 # b\n}',
    # white space and marks that are none
    b"\xef\xbb\xbf1", b"\xa01", b"\xc2\xa01", b"\x0b1", b"\x0c1",
    b"\xe2\x80\xa81", b"1\0", b"\0", b"/**/1", b"//a\n1", b"<a/>", b"-- 1",
    b"[1]x", b"{}x", b"",
    # a NUL in a member name: json-c would cut the name there
    rb'{"\u0000":1}', rb'{"a\u0000b":1}',
]

ODD = [
    (rb'"\ud800"', True), (rb'"\udc00"', True), (rb'"\ud800\ud800"', True),
    (rb'"\ud800a"', True), (rb'"\udc00\ud800"', True),
    (rb'"\ud800\n"', True), (rb'"\ud83d\u0041"', True),
    (rb'"\udfff\udfff"', True), (rb'{"\ud800":1}', True),
    (b"1e400", True), (b"-1e400", True), (b"1e999999999", True),
    (b"1e-999999999", True), (b"9223372036854775808", True),
    (b"-9223372036854775809", True), (b"18446744073709551616", True),
    (b"9" * 400, True), (b"0." + b"1" * 1000, True),
    (b"[" * 2000 + b"]" * 2000, True), (b'"' + b"a" * 100000 + b'"', True),
    (b'"\xef\xbf\xbe"', True), (b'"\xf3\xb0\x80\x80"', True),
    (rb'"\ud800\u"', False), (rb'"\ud800\uD8"', False),
]
