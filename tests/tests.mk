# SPDX-License-Identifier: MIT
# tests/unit/X/y_test.c -> tests/unit/X/y_test (cmocka); other .c files there help all of them.
# tests/plugins/KIND/NAME.c -> tests/plugins/KIND/NAME.so, plugins that only tests load.
UNIT_SOURCES := $(call found,tests/unit/*/*_test.c)
UNIT_TESTS := $(basename $(UNIT_SOURCES))
UNIT_HELP := $(call object,$(filter-out %_test.c,$(call found,tests/unit/*.c tests/unit/*/*.c)))
TEST_PLUGINS := $(addsuffix .so,$(basename $(call found,tests/plugins/*/*.c)))
TEST_BUILT := $(if $(filter yes,$(have_cmocka)),$(UNIT_TESTS)) $(TEST_PLUGINS)
TEST_FILES = tests/*

obj/tests/unit/%.o: $(S)/tests/unit/%.c obj/flags
	@mkdir -p $(@D)
	$(say_CC)$(C) $(INTERNAL) -I$(S)/tests/unit $(CMOCKA_CFLAGS) \
	    -DTEST_SOURCE_DIR='"$(abspath $(S))"' -DTEST_BUILD_DIR='"$(CURDIR)"' -c -o $@ $<
obj/libhelp.a: $(UNIT_HELP)
	$(say_AR)rm -f $@ && $(AR) cr $@ $^
$(UNIT_TESTS): tests/unit/%: obj/tests/unit/%.o obj/libhelp.a gen/libstages.a libcbtm.a
	@mkdir -p $(@D)
	$(say_CCLD)$(LINK) -o $@ $< obj/libhelp.a $(OURS) $(CMOCKA_LIBS) $(OUTSIDE_LIBS)
tests/plugins/%.so: $(S)/tests/plugins/%.c obj/flags
	@mkdir -p $(@D)
	$(say_CCLD)$(C) -fPIC -fvisibility=hidden -I$(S)/include -shared -MF $@.d -o $@ $<

-include $(patsubst %,obj/%.d,$(UNIT_TESTS)) $(UNIT_HELP:.o=.d) $(TEST_PLUGINS:=.d)

# make check-unit for now: every program, from a fresh temporary folder.
check-unit: all $(TEST_BUILT)
	@failed=0; for t in $(if $(filter yes,$(have_cmocka)),$(UNIT_TESTS)); do \
	    d=$$(mktemp -d); TMPDIR=$$d ./$$t >$$d/log 2>&1 || { echo "FAILED $$t"; tail -30 $$d/log; failed=1; }; \
	    rm -rf $$d; done; exit $$failed
.PHONY: check-unit
CHECKED += check-unit
