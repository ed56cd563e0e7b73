/* SPDX-License-Identifier: MIT */
#include "ensemble/small_results.h"

const char *const small_result_names[SMALL_SYSTEMS] = { "dense", "experts", "random-clusters" };

#define SEED                                                                                       \
	"\"window\":\"truncate\",\"length\":256,\"route_every\":1,"                                    \
	"\"seed\":{\"tokens\":6000000,\"steps\":1465,\"parameters\":430000,\"passes\":0.9},"           \
	"\"held_out\":{\"valid\":{\"documents\":2,\"tokens\":200,\"bytes\":800},"                      \
	"\"test\":{\"documents\":3,\"tokens\":300,\"bytes\":1200}},"
#define TEST(ppl, bpb)                                                                             \
	"\"test\":{\"nll\":1,\"tokens\":300,\"perplexity\":" ppl ",\"bits_per_byte\":" bpb "}"
#define CONTEXT(t, k, ppl)                                                                         \
	"{\"mode\":\"context\",\"temperature\":" t ",\"top_k\":" k "," TEST(ppl, "1.5") "}"
#define DOCUMENTS(a, b, c)                                                                         \
	"\"test_documents\":[{\"key\":\"000000000000000b\",\"tokens\":100,\"nll\":" a "},"             \
	"{\"key\":\"00000000000000ff\",\"tokens\":100,\"nll\":" b "},"                                 \
	"{\"key\":\"ff00000000000001\",\"tokens\":100,\"nll\":" c "}]"

const char
	*const
		small_results
			[SMALL_SYSTEMS] = {
				"{\"clusters\":1," SEED "\"experts\":[{\"tokens\":2000000,\"steps\":244,"
				"\"parameters\":430000,\"passes\":0.8}],"
				"\"mixtures\":[{\"mode\":\"seed\"," TEST(
					"97.5", "2.1") "},"
								   "{\"mode\":\"expert\",\"expert\":0," TEST(
									   "80.25",
									   "1.9") "}],"
											  "\"chosen_on\":\"valid\",\"chosen\":[],\"answer\":1,"
											  "\"matrix\":[[80.25]],\"own_best\":1," DOCUMENTS(
												  "438", "440", "442") "}",

				"{\"clusters\":2," SEED "\"experts\":[{\"tokens\":1000000,\"steps\":244,"
				"\"parameters\":430000,\"passes\":0.5},"
				"{\"tokens\":1000000,\"steps\":244,\"parameters\":430000,\"passes\":1.25}],"
				"\"mixtures\":[{\"mode\":\"seed\"," TEST(
					"97.5", "2.1") "},"
								   "{\"mode\":\"expert\",\"expert\":0," TEST(
									   "120",
									   "3") "},"
											"{\"mode\":\"expert\",\"expert\":1," TEST(
												"110",
												"3") "},"
													 "{\"mode\":\"uniform\"," TEST("90.125", "2") "},{\"mode\":\"bayes\"," TEST(
														 "79",
														 "2") "},"
															  "{\"mode\":\"oracle\"," TEST("74.5", "2") "}," CONTEXT("0.1", "1", "79.5") "," CONTEXT("0.05", "1", "79.25") "," CONTEXT(
																  "0.1", "2",
																  "78.5") "," CONTEXT("0.05", "2",
	                                                                                  "77.75") "],"
																							   "\"c"
																							   "hos"
																							   "en_"
																							   "on"
																							   "\":"
																							   "\"v"
																							   "ali"
																							   "d\""
																							   ",\""
																							   "cho"
																							   "sen"
																							   "\":"
																							   "[{"
																							   "\"t"
																							   "op_"
																							   "k\""
																							   ":1,"
																							   "\"m"
																							   "ixt"
																							   "ure"
																							   "\":"
																							   "7},"
																							   "{\""
																							   "top"
																							   "_k"
																							   "\":"
																							   "2,"
																							   "\"m"
																							   "ixt"
																							   "ure"
																							   "\":"
																							   "9}]"
																							   ","
																							   "\"a"
																							   "nsw"
																							   "er"
																							   "\":"
																							   "9,"
																							   "\"m"
																							   "atr"
																							   "ix"
																							   "\":"
																							   "[["
																							   "70,"
																							   "150"
																							   "],["
																							   "155"
																							   ".5,"
																							   "77."
																							   "125"
																							   "]],"
																							   "\"o"
																							   "wn_"
																							   "bes"
																							   "t\""
																							   ":2"
																							   "," DOCUMENTS(
																								   "434",
																								   "436",
																								   "439") "}",

				"{\"clusters\":2," SEED "\"experts\":[{\"tokens\":990000,\"steps\":240,"
				"\"parameters\":430000,\"passes\":null},"
				"{\"tokens\":1010000,\"steps\":248,\"parameters\":430000,\"passes\":null}],"
				"\"mixtures\":[{\"mode\":\"seed\"," TEST(
					"97.5",
					"2.1") "},"
						   "{\"mode\":\"expert\",\"expert\":0," TEST(
							   "120", "3") "},"
										   "{\"mode\":\"expert\",\"expert\":1," TEST(
											   "110", "3") "},"
														   "{\"mode\":\"uniform\"," TEST("91", "2") "},{\"mode\":\"bayes\"," TEST(
															   "92",
															   "2") "},"
																	"{\"mode\":"
																	"\"oracle\"," TEST("93", "2") "}," CONTEXT(
																		"0.2", "2",
																		"94") "],"
																			  "\"chosen_on\":"
																			  "\"valid\","
																			  "\"chosen\":[{"
																			  "\"top_k\":2,"
																			  "\"mixture\":6}"
																			  "],"
																			  "\"answer\":6,"
																			  "\"matrix\":[["
																			  "90,95],[90,"
																			  "null]],\"own_"
																			  "best\":"
																			  "0," DOCUMENTS(
																				  "450", "456",
																				  "457") "}",
			};
