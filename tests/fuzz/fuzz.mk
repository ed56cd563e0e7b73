# SPDX-License-Identifier: MIT
# tests/fuzz/NAME.c -> fuzz/tests/fuzz/NAME, a libFuzzer target under AddressSanitizer and UBSan, built by clang in a
# build folder of its own. make fuzz builds all; make check-fuzz SECONDS=20 runs each (or ONLY=NAME) from its seeds.
# Any compiler makes tests/fuzz/NAME-replay of it, which make check gives the seeds and changes of them.
FUZZ_TARGETS := $(filter-out tests/fuzz/fuzz tests/fuzz/replay,$(basename $(call found,tests/fuzz/*.c)))
FUZZ_WANTED = $(if $(ONLY),$(foreach t,$(FUZZ_TARGETS),$(if $(findstring $(ONLY),$(t)),$(t))),$(FUZZ_TARGETS))
TEST_BUILT += $(FUZZ_WANTED:=-replay)
check-tests: $(FUZZ_WANTED:=-replay)
SECONDS = 20
CLANG = $(firstword $(shell command -v clang-14 clang))

obj/tests/fuzz/%.o: $(S)/tests/fuzz/%.c obj/flags
	@mkdir -p $(@D)
	$(say_CC)$(C) $(INTERNAL) -I$(S)/tests/fuzz -c -o $@ $<
# A text goes through the encoder's comparisons byte by byte: that libFuzzer notes the operands of each, which holds no
# word to find there, would take two thirds of the time.
COMPARISONS = $(foreach n,1 2 4 8,cmp$n const_cmp$n)
tests/fuzz/encoder: LDFLAGS += $(foreach c,$(COMPARISONS),\
    -Wl,--wrap=__sanitizer_cov_trace_$c,--defsym=__wrap___sanitizer_cov_trace_$c=fuzz_note_nothing)
$(FUZZ_TARGETS): tests/fuzz/%: obj/tests/fuzz/%.o obj/tests/fuzz/fuzz.o gen/libstages.a libcbtm.a
	@mkdir -p $(@D)
	$(say_CCLD)$(CXX) $(SANITIZE) $(CXXFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $< obj/tests/fuzz/fuzz.o $(OURS) $(OUTSIDE_LIBS)
$(FUZZ_TARGETS:=-replay): %-replay: obj/%.o obj/tests/fuzz/fuzz.o obj/tests/fuzz/replay.o gen/libstages.a libcbtm.a
	@mkdir -p $(@D)
	$(say_CCLD)$(LINK) -o $@ $< obj/tests/fuzz/fuzz.o obj/tests/fuzz/replay.o $(OURS) $(OUTSIDE_LIBS)
-include $(patsubst %,obj/%.d,$(FUZZ_TARGETS) tests/fuzz/fuzz tests/fuzz/replay)

fuzz:
	@test -n "$(CLANG)" || { echo "make fuzz: clang is missing; on Debian: apt-get install clang-14" >&2; exit 1; }
	@mkdir -p fuzz && cd fuzz && { test -f Makefile || $(abspath $(S))/configure -q --enable-asan --enable-ubsan \
	    CC=$(CLANG) CXX=$(subst clang,clang++,$(notdir $(CLANG))) CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' \
	    CXXFLAGS='-O1 -g -fsanitize=fuzzer-no-link'; }
	@$(MAKE) -C fuzz --no-print-directory $(FUZZ_WANTED)
# What was found new is kept in fuzz/corpus/NAME, an input that breaks a promise in fuzz/NAME-crash-...
check-fuzz: fuzz
	@$(S)/tests/fuzz/seeds fuzz/seeds
	@for t in $(notdir $(FUZZ_WANTED)); do mkdir -p fuzz/corpus/$$t; echo "$$t: $(SECONDS) seconds"; \
	    fuzz/tests/fuzz/$$t -max_total_time=$(SECONDS) -rss_limit_mb=512 -timeout=20 -print_final_stats=1 -verbosity=0 \
	        -artifact_prefix=fuzz/$$t- fuzz/corpus/$$t fuzz/seeds/$$t || exit 1; done
.PHONY: fuzz check-fuzz
