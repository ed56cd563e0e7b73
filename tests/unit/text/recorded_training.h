/* SPDX-License-Identifier: MIT */
/* Made by tests/parity/record.py; do not edit. Hugging Face tokenizers 0.23.3. */
#pragma once
#include <stddef.h>

/* clang-format off */
/* Texts, sizes, the least count of a pair, and the merges: left right left right ... */
static const struct {
	const char *text;
	size_t n;
	unsigned size, min_frequency;
	const char *merges;
} recorded_training[] = {
	{ "a", 1, 300, 0,
	  "" },
	{ "ab", 2, 300, 0,
	  "67 68" },
	{ "aaaa", 4, 300, 0,
	  "67 67 259 259" },
	{ "aaaaaaa aaaa aa", 15, 300, 0,
	  "67 67 259 259 223 259 223 260 259 67 260 263" },
	{ "abab abab", 9, 262, 0,
	  "67 68 259 259 223 260" },
	{ "x x x x x x x x x ", 18, 300, 0,
	  "223 90" },
	{ "ab cd ef gh ij", 14, 300, 0,
	  "67 68 69 70 71 72 73 74 75 76 223 260 223 261 223 262 223 263" },
	{ "abcdefgh", 8, 300, 0,
	  "67 68 69 70 71 72 73 74 259 260 261 262 263 264" },
	{ "aabaabaabaabaabaabaabaabaabaabaabaabaabaabaab", 45, 280, 0,
	  "67 67 259 68 260 260 261 261 262 262 261 260 262 264 263 265" },
	{ "abcabcabc abc bcab", 18, 300, 0,
	  "67 68 259 69 260 260 68 69 223 260 223 262 261 260 264 259" },
	{ "the cat the hat", 15, 300, 2,
	  "67 86 74 71 86 260" },
	{ "the cat the hat", 15, 300, 3,
	  "" },
	{ "aa aa aa bb bb", 14, 300, 3,
	  "67 67" },
	{ "\346\274\242\345\255\227 \346\274\242\345\255\227 \360\237\231\202\360\237\231\202\360\237\231\202 \303\251"
	  "", 29, 300, 0,
	  "175 256 250 227 259 260 98 164 123 262 165 263 258 248 261 261 264 265 130 105 223 266 223 267 223 268 269"
	  " 261" },
	{ "  \012\012  \011\011", 8, 300, 0,
	  "223 223 200 200 201 201 259 260 259 261 263 262" },
	{ "abababababababababababababababababababababababababababababababababababababababab", 80, 300, 2,
	  "67 68 259 259 260 260 261 261 262 262" },
	{ "abbabaaaaaa bbbba a babaaabb bbb bb bbbbbaaaba bababbb a ababbab aabb abaabbbaabb", 81, 400, 0,
	  "68 68 67 67 67 68 67 259 223 259 260 259 68 261 223 67 223 261 223 265 260 260 262 261 263 259 68 260 68 2"
	  "64 223 264 260 262 261 67 262 68 263 68 264 273 267 270 267 279 268 275 268 277 269 260 270 284 271 67 271"
	  " 272 287 276" },
	{ "bbabaa aaaabaaaba aaabbaba babbb baaabbaabaa bbbbbab bbaaaabbba aa a a ababaabaaba bbbaaaab", 91, 400, 2,
	  "67 67 68 68 68 67 68 259 67 261 223 259 223 260 67 260 223 67 259 262 260 261" },
	{ "cc ccbccbb cbcaacaa aabcbccb aac bb aaa aaba aaaca aabbbab cca acaa ccbabc acbbbacc c ca cc abcac bbacbaa "
	  "cccaabc cbaa aacbcbb baabb c a c cccbac a b aba", 153, 400, 0,
	  "67 67 69 68 223 69 223 259 68 68 223 67 67 69 69 259 261 69 68 67 68 69 69 260 223 68 223 260 223 263 260 "
	  "270 67 260 67 269 68 274 69 69 259 263 260 68 260 263 260 265 260 276 260 280 261 67 261 274 261 283 262 6"
	  "7 262 69 262 263 262 265 262 268 262 277 262 284 264 266 264 268 264 269 264 281 265 69 266 266 266 269 26"
	  "7 67 267 282 267 301 268 68 271 279 272 259 272 300 273 275 286 68 290 305 291 67 297 265 298 299 309 259" },
	{ "caab a ccaaaa aacaacbb abb bbbbaab ccbbbb cbaccbbc ccba baababa babb aaa baac cb ba ac acc cabba aab cccbb"
	  " acbb acaca abaa ab ab aaabbabb cbacc abbaaab aaaccac bbabbaca", 168, 400, 2,
	  "67 67 68 68 67 69 223 69 67 260 67 68 223 259 69 260 223 68 223 261 69 259 223 264 262 68 223 260 223 263 "
	  "259 68 261 67 261 69 262 69" },
	{ "bbcadcbccd adc bdbcbcabb dcabccdad dbbd a bdccbcad cadadddccb cadcabb ca dbcdc aabaa a cddaadbdcdc dcdaabc"
	  " dcdcaabddba aab dcb ababdbd bcbdb cdc bbdc caa cd cddbbbbc abbdcc addabbadddd abcabcdac cbcbcbaca bbaadab"
	  "adb dbdcaabcc acabbbad bacbddcbdcd bbbb bcbdaab cdcdadb aaaccc adaabcdd cacadcaabd cabccb aaaa addbc babcd"
	  "aa dabdadc cddbddabdd cbddac bdccbbcbc cdcbd bdabadbdca accbb bbccbbabc bbdbbaacb bdcdbb aaaacc dca bdaa d"
	  "adaddbadb dcb bda caaadaa", 449, 500, 0,
	  "70 69 67 67 68 69 68 68 67 70 68 70 223 69 67 69 68 259 67 261 70 70 223 259 67 259 67 262 223 70 223 260 "
	  "68 261 68 263 223 262 223 264 263 70 264 70 69 68 223 67 223 267 260 261 265 259 265 269 67 264 67 276 68 "
	  "266 69 69 69 70 69 262 70 262 223 261 223 266 223 279 260 70 261 261 263 279 265 260 268 70 270 68 274 68 "
	  "274 260 283 69 294 264 67 280 68 67 68 287 68 301 70 263 70 284 223 263 223 268 223 271 223 272 223 275 22"
	  "3 289 223 310 259 69 259 260 259 267 259 281 260 68 260 264 260 281 261 259 261 263 261 291 262 70 262 275"
	  " 263 260 263 269 264 322 265 67 265 70 265 266 265 268 265 271 265 280 265 298 265 299 266 290 267 67 267 "
	  "259 267 284 268 291 270 67 270 312 270 321 270 347 271 325 271 329 272 276 272 333 273 287 273 299 273 327"
	  " 273 330 273 346 274 343 275 261 275 353 276 68 277 259 277 262 277 293 277 297 278 67 278 260 278 288 278"
	  " 298 280 307 280 308 282 309 283 293 284 269 285 264 285 311 286 297 286 331 286 373 288 68 289 67 292 268"
	  " 295 292 295 354 296 261 296 355 300 332 301 266 303 260 304 290 305 328 305 362 306 68 306 324 313 377 31"
	  "4 391 316 320 317 385 318 334 319 260 337 352 338 281 339 272 340 266 341 384 342 323 350 374 351 263 356 "
	  "271 357 364 360 69 367 326 368 383 371 344 372 272 375 264 379 68 380 345 389 70 402 70" },
	{ "abc dcbcbcdcb bb bbdbbbadd dc caaadbdaadd dbccdb ddcab dddbcac abbbcabadb cbcc adabbbdaab abacabcaadd aadb"
	  "bcaad ddacab a bcdacbaddc aa cdba baddbbdadcc caccc bbcddababab ddccb cbabcd cbcdadccbc cc cbbdcb aacbbacd"
	  "bbd cbcabadcc bdacdbadc dcabccddb a d abcbdcccca dcccd ddacc bddacabbd bcaabdabdba adaacdaac cadcbccab dac"
	  "adabcbdd ccacc abbadcba bdb aadaddab cdcabcbbabb ccc badb a accbdabbdcc caadadbbcda cabbab dbcacacbbb da d"
	  "cdbbd caa cbbdacdad aaba bababbbac dbadbbd", 466, 500, 2,
	  "67 68 67 70 69 69 68 68 223 70 67 69 223 69 68 69 68 70 223 67 262 70 68 260 259 69 67 260 263 70 69 68 69"
	  " 70 70 68 264 70 67 261 69 259 70 259 223 259 223 261 223 267 260 261 266 70 270 70 67 259 68 259 68 261 2"
	  "23 260 223 262 259 267 260 262 263 69 264 262 265 67 265 269 266 264 271 267 272 70 276 67" },
	{ "bcabaa cabbcbcab cacabaabcabbacbbcaa cabaaaacabccaacabb c bcacc bc cbabbbcac abccabbaab c cabaaaaccabccbac"
	  " bbbcabbcabab caccbaacbbcbcaacaab acacacabcbabab aaccbcaaa abcbbabbccccbcbaaa abccbaacbcaa bcaccbcabbbaccb"
	  " cabacccac caaab accabccabbbac ccccabccbcababacbba acc bccabacabcaac aabbbbaccccbccb b cacab bbbbcb aaaaaa"
	  "cbbcacaaacca cbcbacabccbaca ccacbcbbbabab abbbcabaacbc cabbabbcbaaccacc baababbbb ccbbcaacbcc bcc aaa ccbc"
	  "cbaa baaccbacabcbcaaccba bbcbccabcbbcbabaa bcacaacacab bcbcabacaacbcbb bacaccbcbbabbccacca c cbbbccaabbabc"
	  "baa b cacbaabaaacacba cabaacbab bb caca cbacbc acacbac ac cbababcaaac abbccbaccbbbcbabaa a babbbbcabcbcabb"
	  " abaacbaa cbcabc bcabaccab babbacaba aabbc acacaabaabbccccc aca bccabcab a cbb baaabca caaab abaccaaaaaabb"
	  "cabc cc cccacaba ccab babaaacb b acccbacbabaaaba accbcccacaabb cbabcccccaaabb bbc accaaaa", 831, 700, 0,
	  "69 67 68 67 68 68 69 69 67 67 68 69 68 259 223 67 260 67 223 69 223 259 68 262 69 259 259 67 68 260 261 69"
	  " 260 263 259 264 260 69 223 262 223 263 267 69 223 260 223 264 223 265 259 68 259 69 259 260 265 67 223 68"
	  " 223 261 260 68 260 262 261 262 265 261 266 259 266 262 268 260 69 261 223 267 223 274 259 261 259 263 260"
	  " 259 260 267 260 271 260 290 261 261 261 264 261 265 262 260 262 264 263 67 263 68 264 261 265 68 265 260 "
	  "265 263 266 264 266 271 269 259 269 275 269 312 271 270 272 69 283 262 320 67 69 68 69 267 69 277 223 270 "
	  "223 275 259 272 259 276 259 284 259 286 259 287 259 301 259 310 259 314 260 275 260 306 260 316 261 271 26"
	  "1 273 261 276 261 323 262 69 262 262 262 280 262 301 262 316 263 263 263 311 264 267 264 276 264 300 264 3"
	  "02 265 264 265 267 265 273 266 69 266 270 266 280 266 285 266 292 266 304 266 308 267 68 267 271 267 292 2"
	  "67 359 268 261 268 277 268 284 268 285 268 307 268 356 268 357 269 273 269 274 269 280 269 284 269 291 269"
	  " 327 269 348 270 68 270 267 270 302 270 331 270 349 272 68 272 273 272 300 272 333 272 369 273 286 273 292"
	  " 273 342 274 68 274 287 274 303 274 368 275 285 275 326 276 287 276 293 276 392 277 273 278 322 278 334 27"
	  "8 345 278 386 279 67 279 274 279 343 279 350 279 351 280 264 280 287 281 306 281 337 281 395 281 403 282 2"
	  "86 282 315 282 338 283 304 283 393 284 367 286 68 289 293 289 398 291 68 291 307 293 432 294 332 294 394 2"
	  "95 328 295 388 296 308 296 341 296 389 297 272 297 336 298 309 298 340 299 354 310 275 313 305 315 407 317"
	  " 396 317 428 318 311 318 355 319 370 322 277 323 313 324 434 325 406 325 455 330 265 335 69 339 260 347 38"
	  "5 352 344 361 418 362 267 363 277 364 433 365 464 366 417 372 264 374 448 375 391 376 387 378 401 379 314 "
	  "380 290 382 285 383 402 384 399 397 271 404 309 408 449 410 270 414 463 416 443 419 405 420 481 423 461 42"
	  "4 456 426 68 430 429 435 305 436 346 437 462 438 261 439 69 440 69 441 261 444 482 446 400 450 447 453 277"
	  " 454 442 468 303 473 353 475 262 479 260 480 390 486 271" },
	{ "ccb aabaaaacbba cabaabaaaabaaab acbbabcbc bacacaabc ac cababcaacacbb abcbbb bbabccb cccaababaaacababa aaab"
	  "cccbabbcbcac cbbbbbbbaaab ccaaabaa cabcbacaccaabcccca cbcabbaacabbc bcaacbbbbbcaacbabb aaaabaabacbcabacbb "
	  "bcccbacaccccc cbaaaccaba aabaccccbb cababbbabcc cbbbcbbcbbacabbabbc abaabbabc ccaabbaccc acbcaccbcbacba ac"
	  "aca abcacabcbb bc bc ccbcb bbcaabbccaacacb bacaba ccccba a cbabb abcabacccabcabc babbcbaa a ccabbbacbc aac"
	  "aaabbaba cbabaaaaaaccabbcac cbbcccaaa c aaabbbac acababacbccc aa bacbbbbcbcac cbabbcccbacaaa babacabaa bab"
	  "cacbaaacaab aabc aacaaa baabacc a bccbcacbaacabc baabcaaaacbaaabbc bacbbbaaaccccc aabbbabcaabbabaa cacaacc"
	  "acccaab cbcccbcacbac cababccaca cbbababaab acbaacaaa cabcaccbcbacbb ccabcaccccaac cabccbaab b abbcbbccbbbc"
	  "bbbccc c bcbccbbccac ccbbbccbaaba baacbcacaba ccbbccccbbaccbaa ababcbc cca accbbcacacc cbbcbaccbb cabbcbc "
	  "cccbbaaac bcabc", 863, 700, 2,
	  "67 67 69 69 68 68 67 68 67 69 68 69 223 69 68 259 67 261 262 69 67 260 68 263 223 260 223 259 260 69 259 6"
	  "9 262 259 267 69 69 259 223 68 223 263 223 264 262 67 264 263 265 261 223 270 260 261 261 68 262 260 265 6"
	  "8 68 67 68 269 223 67 223 266 223 268 261 69 262 263 263 259 265 262 69 268 223 261 259 67 259 261 259 266"
	  " 260 274 261 261 261 268 263 67 264 270 265 268 266 269 267 270 269 307 270 269 272 277 277 68 284 261 288"
	  " 267" },
	{ "aaaaababbbabbbaaababbbaaba abbbbaba aaaabbbabbaba babababbb baaaabaaabbbabbababbaaaaba babbbbbbaabaaaababb"
	  "bbbababa abbaabbbbabaa bbbbaaabbabaaa baababbbaabbaabaaabbbb bbaabaabaaababbbaaabb abbabaabbabbbaaabbaaaba"
	  " abaaabbbbabbbbbbbabbab babbab abbbaabbbaababba abbbaaabb baaaabaababba bbaaababaabaaaabb aabbababbabbbabb"
	  "ababaabaaabab aaababbbaabaabbaa aaababbaaabbaaabababaaa abaabaab babbbbabaaaabaaaaaaaab aaabbabbbaaaababaa"
	  "bbb abbbbba bbbabbaabbbbbbaababbbaaaaabba bbbbabbbaaaaababbababbbbaaa bababaabbbb aabaaabaabbaabbabbabb ab"
	  "abbab ababaabbaaaabbaaabbaa aaaabbbbbbbbabaa baaaabbbbaababbbaaaaaaab a ab bbbababaabbabbbbbbaababbaaab ba"
	  "babbabbaabbbbabb a bbbbab aa bb", 667, 600, 0,
	  "68 68 67 67 67 259 67 68 68 260 68 261 260 259 262 261 259 260 262 260 263 260 223 260 223 259 223 261 262"
	  " 262 263 261 265 259 264 262 68 67 68 273 260 260 260 262 261 259 262 265 263 264 264 259 267 264 268 263 "
	  "223 67 223 68 223 267 223 269 223 284 259 262 260 261 261 261 263 263 266 261 268 67 270 266 283 67 285 26"
	  "9 293 260 68 282 223 262 223 263 223 265 223 266 223 268 223 273 223 276 223 278 223 283 223 286 259 259 2"
	  "59 261 259 276 259 277 259 299 260 265 260 269 261 67 261 274 261 297 262 266 262 286 263 266 263 267 263 "
	  "277 263 282 263 317 264 266 264 275 264 325 265 276 265 281 265 294 265 300 265 318 266 266 266 274 266 33"
	  "2 267 67 267 269 267 322 268 319 269 302 269 338 270 275 270 294 270 328 270 333 271 278 271 292 271 314 2"
	  "71 331 271 343 272 274 272 275 272 282 272 292 272 316 272 329 273 297 274 259 274 330 275 261 276 286 278"
	  " 67 279 68 279 277 279 340 280 67 281 281 284 367 285 280 288 296 288 323 289 295 289 324 290 299 290 364 "
	  "291 342 291 344 295 267 296 366 298 301 298 383 300 320 304 336 305 384 306 262 307 372 308 337 310 275 31"
	  "1 326 312 68 313 268 321 371 334 374 345 68 346 341 347 396 348 399 349 335 350 67 351 398 353 400 354 387"
	  " 357 268 358 397 359 67 370 327 375 365 376 68 377 339 378 265 380 369 381 373 382 368 385 362 388 280 389"
	  " 273 391 315 392 301 394 363" },
	{ "baaaaabbbabbaaabbba bbabbbabababa babbaa abbabbbbbaabababbaaabababb bbbbabaabbaaaaabaabbbb baaaabbbbbbbaab"
	  "bb abaaabbbbabaaaabababbaab abaaabaaabaaabababaaabaaa abbabbbab aabbabaabbbbabbbb baaabbbaaaaababbaaba bb "
	  "babbbabaaaabbabbb aab aaaabaabba baaabaaaaabbaaaabbbbbb aaabbba bbaabbababbbabb babaababaab abbbababb abab"
	  "bbabaabbbaaaabbbababaa aaaba babbbbabbbaabaaabaabbba baabbbaabbb aabb baaaaababbbbab bbbbb aaabbbbabbababb"
	  "bbabababbb baba baababbbabbbabaabababaaaaab ababaaaabbaaaababbababaa aabbaabaabababbbabbaabaab babbbabbbab"
	  "abbaabaaabaabaabbb aab abababaabbabbbbaaaaaaabab abab aabbbbbababbbbbbbb bbaababaaabababaaabaa aabbbbabbaa"
	  "babaaaba abbabaaababaababaa", 663, 600, 2,
	  "67 68 68 68 67 259 67 261 259 259 68 259 67 67 260 259 261 260 67 262 68 261 260 260 265 262 223 259 223 2"
	  "64 223 68 223 261 260 263 262 260 68 263 223 260 223 263 264 260 259 261 261 263 262 263 271 259 272 264 6"
	  "8 265 68 268 68 271 223 267 223 277 262 67 262 265 266 68 266 276 269 259 270 68 270 260 279 261 284 293" },
	{ "a becca aebbdb edcb cedabda c eeea aaeacab cabc eacddad cca e db bcaaded bc c ebeedde ebbcca aaba c de cda"
	  " b cd c ccade bcaa c bdcadad ebadc aecc eaadca eeceabb ccabb dbded cbcabda bebba adcae eebbec ce adbeed eb"
	  "dc bbbc ee ddbbce deabbe aeeaded bdc beee aeb bad bdbaec c a bab aeebb adb bdea ebeccca eaddcbd dbdaed ace"
	  " dee cbcbd d deb bc baaeae baccd edcbbb bce daab ae cecbce c eeebbc be cbc adccb bbabc ceea eabcb dcdedd d"
	  "cdc de d acbcb edeabd edecbab bebba bcdec ccced aabdc bed aecabae cc a abdaed a dacc eddd aca dc eadbb cce"
	  "acdb ccccb aecdd cadec debcadd caeb bcccedb abaaabd bcac bedabae db caaae ecbdd bab ebbae ceb", 623, 600, 0,
	  "223 69 223 68 223 67 223 71 67 68 223 70 67 70 68 68 69 69 71 70 67 71 69 68 71 71 69 67 70 69 69 71 261 7"
	  "1 69 70 70 67 264 71 68 71 69 263 70 71 260 71 264 68 70 68 70 70 71 69 259 68 259 71 260 272 262 71 67 67"
	  " 67 267 67 276 69 265 70 270 259 267 260 69 260 263 260 268 260 273 261 68 261 70 261 263 261 271 262 68 2"
	  "62 265 262 266 262 271 262 279 262 281 263 69 263 70 264 69 265 268 266 67 266 69 267 67 277 268 278 68 28"
	  "2 315 67 263 67 265 67 269 67 280 68 311 69 268 70 265 70 266 70 268 259 69 259 70 259 265 259 268 259 269"
	  " 259 271 259 272 259 274 259 277 259 280 259 291 259 294 259 311 260 265 260 267 260 271 260 274 260 276 2"
	  "60 281 260 284 260 292 260 316 260 323 260 325 261 269 261 270 261 272 261 273 261 274 261 284 262 263 262"
	  " 270 262 273 262 285 262 293 262 295 262 322 263 68 263 269 263 277 263 279 264 271 264 276 264 292 264 32"
	  "1 264 328 265 69 265 265 266 68 266 284 266 286 267 68 267 272 268 70 268 281 269 69 270 70 270 263 270 27"
	  "4 274 367 275 68 275 267 275 276 275 280 275 379 278 370 279 268 280 277 282 317 283 318 283 329 287 69 28"
	  "7 386 287 397 288 68 288 388 289 67 289 69 289 314 290 380 290 389 291 312 293 68 294 70 295 70 296 268 29"
	  "6 270 299 368 300 377 301 318 301 411 302 381 302 396 303 67 303 273 304 266 304 314 305 273 305 376 306 2"
	  "66 306 414 307 269 307 317 308 67 308 316 309 382 309 384 310 312 310 387 313 273 319 413 326 68 332 286 3"
	  "33 369 334 68 335 67 337 412 339 68 340 269 341 71 344 441 345 71 347 286 348 67 349 385 350 70 352 269 35"
	  "4 324 355 270 357 269 360 270 361 285 362 378 363 70 364 327 366 272 372 383 375 274 392 70 393 269" },
	{ "e db bcbede cc aace ecacddb b aadcece badbaed c bcd bbdd bc de a cdca eacbbbd ebbea cceebca bee a dce eeaa"
	  "b dccdeca ebacca eedaccc bd cb a dc c dd ebbc d caeccc add baeae deeaa cecacee d c aabeacd b ec dea eeaab "
	  "bda e ddb eaceee edaeea cceeab cadacba aec ecb ae cda db c becbdc eebbcdb e acdc dbad cb cbbea caca aaae b"
	  " cebc aadebe aeeaedb ed cdcdb beed cab cae edee cdc aeececd dccdbad dadbba cb a addaa debbaeb dcedbca eeae"
	  "d bba ae d daabcae decca edbeeaa dbca edc ebb d ecaacbd dbdeb cadab aecead daddbde cbbac ea ee caa ceebe b"
	  " bbdbb ebcc ccbd cddec de aee acd bd a eae eeeacdc", 580, 600, 2,
	  "223 69 223 71 223 70 223 67 223 68 71 71 67 69 70 68 67 71 68 68 71 69 67 70 67 67 69 67 68 70 69 69 260 7"
	  "1 70 69 67 68 259 69 261 68 261 71 68 67 68 71 70 67 70 70 259 68 260 69 260 268 261 69 262 264 263 69 271"
	  " 68 67 266 69 269 70 71 71 67 71 68 259 267 259 268 259 270 259 276 260 68 260 70 260 265 261 274 262 69 2"
	  "62 71 262 269 262 270 262 284 263 70 263 264 264 271 265 70 267 70 275 291 278 264 288 71" },
	{ "baaaaaba bbaaabaabbaba baabbaababb abbbbabbababaab aaaabb ababbabb ab bbaaa bbbbabbbbab abbaababbaaa babba"
	  "bbbabab bb babbaaabbabbbb ba abbbababababbb aaaaabbbaab bbabbabaababaa bbaaaaaabaab aabbabba aa abbbbaaabb"
	  " bbabbbaaababba baababbbabaa ba babbbbabbbb bbba bbbbbbaabbbaa aabb baaabbabbbbaa aaaabbabb bababababbbb b"
	  " bba aabbaaabaaabbaa abbabaaaa aaababbbaaa abbabba a bbbaabababbbb abaabb aaabaabbbaaa babbb abbabababbaab"
	  "a aababb abbababbaabbb abbbbbaa aabaabbaab aaaabaa bbabaa ababaabababa baaabbabbbab abab baaaabaaaaaa abba"
	  "abbb bbab bbbaaaaaaaaaaa bababbabbb a abb abbabab babaababbabbbba abba abaabaa babbbabbaabab baababbabaa b"
	  "baabababab aaaabaaabbbbbb abbbabbaa aababbaabaa bbaabb aabaaab aaaaaaabaaabb bbabba baabbbaaaaa aabbbbaabb"
	  "ab baaababbaabbb babbb aabaab bbbaba babab babbbabba bbabbabbbbaabab bbaabbbbb bababbaba baaabbbb ababab a"
	  "baaabababababa babbabbbaabbb bbabbaabba aba", 891, 900, 0,
	  "67 68 259 68 67 67 68 68 67 259 223 68 260 68 223 262 259 259 260 262 261 261 67 260 223 260 261 259 67 26"
	  "5 223 259 261 260 263 260 223 261 259 67 260 67 261 67 259 261 263 261 264 265 266 68 267 259 223 67 223 2"
	  "63 223 268 223 270 259 260 263 259 264 260 266 260 223 265 223 267 223 269 223 272 223 276 264 67 264 261 "
	  "264 275 264 290 266 67 266 262 271 267 272 275 277 270 277 282 292 265 68 261 68 269 223 285 259 263 259 2"
	  "69 259 276 260 260 260 261 260 263 260 267 260 273 260 291 261 267 262 273 263 263 263 265 263 267 263 269"
	  " 263 285 264 267 264 268 264 270 264 272 264 273 264 276 264 285 264 315 264 325 265 259 265 263 265 272 2"
	  "65 280 266 259 266 269 266 270 266 272 266 279 266 280 266 281 266 328 266 340 267 278 268 67 268 68 268 2"
	  "59 268 261 268 262 268 270 268 291 269 67 269 269 270 67 270 263 270 278 271 67 271 273 271 276 271 279 27"
	  "1 290 271 314 273 280 274 67 274 270 274 282 274 316 274 322 275 268 283 279 283 321 284 67 284 278 284 29"
	  "1 284 360 285 265 286 357 287 263 287 272 287 362 288 275 288 310 288 319 289 279 289 306 292 376 293 313 "
	  "293 358 293 361 294 317 294 383 295 326 296 306 296 339 297 341 297 370 298 282 300 268 300 327 301 338 30"
	  "1 355 302 265 302 278 303 353 304 323 304 354 305 318 307 260 308 356 309 267 309 273 311 278 330 268 331 "
	  "276 332 320 333 359 334 281 335 268 336 352 337 281 343 324 345 363 350 279 366 280 368 273 375 351 381 26"
	  "8 382 280 384 259 390 263 392 261 394 281 399 67 406 261 412 261 414 67" },
	{ "aaaabaaaaa baaabaabbb ba baab aaaba abbabaaabbab aaabaaababaaaba aabbbbbaba bbbbaaabbb bbb aaba baabb b aa"
	  "abaabbbab aa bbbababa ba bb aab abbbbaabaabbaaa bbb bbbbabab babbba aababbbaabaab babbbbaaab a babbabbbbba"
	  "aaab bbaaa abbbababaaa a abaaabababa babaababaaaaab ababaababbbabaa abaa baaab bbbabbbbbbaab abbb babbaaab"
	  "aba aabbabbbaaa aaababaaaa aaabbbabb b ababbbbab bbbabbbbab bbabaaabb a babbabbababaabb ab babaababbb babb"
	  "bab abbaa ba bbbb bbbab b aaaaabbaaaa bbababbbab abaabaaabbababb aababbabaabaab bbbaa b abaabbabaaba a a b"
	  "babbb baabbbbabbaabaa bbaab abaabb bbbaabaaaaabba abbaa aabab aabab babaabaaabbbba b a bbbb aaa baaaababab"
	  " aababbbbaa ba bba ab ababa aab ababbbabbaa bbb abaabaaabb baba ababa baaa", 710, 900, 2,
	  "67 68 68 68 67 67 67 259 68 259 261 259 223 260 223 259 223 68 223 262 223 263 260 259 68 261 223 67 261 6"
	  "7 223 264 259 67 259 260 68 262 263 260 266 262 267 67 259 270 261 262 261 264 265 68 265 260 267 262 268 "
	  "259 269 262 68 67 68 264 259 262 259 264 260 277 262 262 264 260 264 263 265 263 265 278 266 271 266 275 2"
	  "67 264 268 276 269 260 270 259" },
	{ "cccbcccbab b accabbcccbcc ab cccaaaabac bbbabccbca aaac baccb ccaabaaccac acbcbbaac abababb bbaaac bbcbabb"
	  "a cba bccccbca b b aabbcbacabcc abac bbbcacaca c cbcbcab ca bc baaa b ccbaabbabbaa aaa ababbcaaccbc bbccca"
	  "babacac cccccaa bbbabb aababbaccbb ccbbacbcccb ababccc aab bbbaacccaa ccabccbcacaa caaba aabbc bccbabca b "
	  "babbc bcc bacbaba bbcac bc cca bacabcaccacac abcbbbab c ccbbababc c caaaac c bbbcbccc acbacbcabcaa cbccbaa"
	  "cbabb baacabbbbbcba caccccabca bc aabbbab abbabbcca cbabbbaac cbcababcb bbacbcacaa bb bcbbbaaaccbaa baaaca"
	  "ba cbaaaaaacca cacaacc cbaccaacbcb aaacaabcc cabbaccccb abcbbbca abaacbbbaccb cba bccaccacabb cacbbb cab a"
	  "ca abababbccac bc cbbbaabbbcb bbcbccaaaba abacaaaccc bbabcababbcac b ca caabcbcb bbaaab aabaccccaa baababc"
	  "ccba bcb ab aacccbba bbccaaaaaabb aacaac cbacbcc caaccc", 797, 800, 0,
	  "69 69 68 67 67 67 68 68 68 69 223 69 67 69 68 259 68 260 67 260 223 261 223 262 259 69 223 260 263 67 223 "
	  "259 223 268 223 67 223 68 223 263 262 260 264 260 69 260 261 69 264 67 67 262 223 266 223 267 259 265 260 "
	  "67 260 262 261 261 262 69 263 68 264 261 265 261 69 266 223 265 259 67 259 68 260 69 67 266 261 259 263 26"
	  "8 263 294 266 69 266 281 267 259 269 260 270 263 271 261 274 267 275 69 275 289 276 68 276 263 279 68 67 2"
	  "71 67 273 67 287 67 297 69 68 69 265 69 282 69 300 69 303 69 317 223 271 259 259 259 273 259 282 259 284 2"
	  "59 290 259 297 260 263 260 265 260 266 260 273 261 68 261 262 261 268 261 288 261 316 262 68 262 263 262 2"
	  "73 262 281 262 297 263 261 263 267 263 273 263 292 264 265 264 266 264 279 264 294 264 302 264 349 265 67 "
	  "265 279 265 284 265 357 267 67 267 346 267 361 268 299 268 305 269 67 269 68 269 265 269 271 269 291 269 2"
	  "94 269 315 269 322 269 345 270 271 270 281 270 288 270 289 270 295 270 321 270 331 270 335 271 266 271 305"
	  " 272 261 272 281 272 282 272 291 272 298 272 325 272 359 272 365 273 347 274 67 274 288 274 300 274 309 27"
	  "4 340 275 291 275 304 275 358 276 330 276 362 278 68 278 279 279 265 280 290 280 295 280 329 280 406 283 6"
	  "8 283 306 283 332 284 292 285 318 285 328 285 336 286 282 286 302 286 324 286 337 287 265 290 299 291 265 "
	  "293 260 293 271 293 282 293 350 295 320 296 67 296 299 296 348 301 263 301 288 306 262 307 327 307 435 308"
	  " 304 308 360 310 333 310 429 311 341 312 287 314 315 314 344 326 423 334 289 343 260 351 342 352 447 353 4"
	  "14 354 259 355 292 356 68 364 265 369 267 371 266 374 323 375 455 376 267 377 309 379 339 381 338 382 273 "
	  "384 68 386 260 387 268 390 422 391 448 395 363 396 303 398 287 399 433 401 298 402 383 405 434 407 319 409"
	  " 292 412 298 413 273 415 284 419 424 431 393 432 265 436 261" },
	{ "ccc b b bcccbaacaccb bacbbbcac abccccacaaccb ca cabacbb baccacaacb bcbbcabac accbaba bbabbcabbca cbcb ccbc"
	  "acaaab cabaaaa cbbbabcccc acbbbb cc bbbbcb b aababaacb ab caacbbac bccbcbacccbc acbabacabbb bcbacbcb abaab"
	  "bccbaa bcaca abbb bbbcbcabcb a bbbac abaacca bcba ccbcbcacbaa acabcbbbacac cccbaa cbbaabaac ccbcc baacbccc"
	  "cabc cbbbcba cbcbaacab acca aa bcaccbcbcacb aabbbcab ca cbcccbcaab abcacbb cabc ca caccabcbacc bacabcaa aa"
	  "cbccb aaabbcacab ccbacbcbcb aacbbbc aaaaacaabc aaac accb aacbcabbabbbc baacbcbbacbaa cb bbabcabca cbcaaacb"
	  "aa accabaaa ca aabccaacaaba bcacccaabba abcccacbba bbcac cb cbbccbcacac ca bcbacbacb ca abaaab cccaaacbaba"
	  "a bcccaa cacaaaca abcacbb bccbacaaab abc aaaabbaac accbcacbaccbb cbbcccabacba acac abcccaacbccbc bbbacccaa"
	  "b b baacb cbcc baccbaccbcc baabcabacbbaa aabbc bbaabcccbcbc b a ccaababcb c", 817, 800, 2,
	  "69 68 69 67 67 67 68 68 69 69 223 68 67 68 69 259 260 68 67 259 223 259 223 261 223 67 223 265 223 260 223"
	  " 262 69 260 260 259 261 259 67 260 261 68 262 68 263 259 263 260 67 69 67 266 223 266 259 67 260 69 67 262"
	  " 69 267 223 267 264 259 264 260 264 277 268 68 269 68 270 259 271 266 272 261 274 68 276 68 223 268 259 27"
	  "6 260 262 261 69 261 260 262 69 264 67 264 266 265 67 267 259 267 260 268 259 269 259 269 262 270 68 270 2"
	  "61 272 263 272 300 275 260" },
};
/* clang-format on */
