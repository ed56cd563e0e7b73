# SPDX-License-Identifier: MIT
# bench/NAME.c -> bench/NAME, a benchmark: `make bench` builds them, nothing runs them by itself; `make check` builds
# them too.
BENCHES := $(basename $(call found,bench/*.c))

$(BENCHES): %: $(S)/%.c libcbtm.a obj/flags
	@mkdir -p $(@D)
	$(say_CCLD)$(C) $(INTERNAL) -MF obj/$(notdir $@).d -o $@ $< libcbtm.a $(OUTSIDE_LIBS)
# After all, in a make of its own: two at once would write libcbtm.a together.
bench: all
	@$(MAKE) --no-print-directory $(BENCHES)
check-tests: $(BENCHES) # so that none falls behind
.PHONY: bench
