# SPDX-License-Identifier: MIT
# tests/unit/X/y_test.c -> tests/unit/X/y_test (cmocka); other .c files there help all of them.
# tests/plugins/KIND/NAME.c -> tests/plugins/KIND/NAME.so, plugins that only tests load.
# tests/fault/shim.c -> tests/fault/shim.so, which makes system calls fail when preloaded.
UNIT_SOURCES := $(call found,tests/unit/*/*_test.c)
UNIT_TESTS := $(basename $(UNIT_SOURCES))
UNIT_HELP := $(call object,$(filter-out %_test.c,$(call found,tests/unit/*.c tests/unit/*/*.c)))
TEST_PLUGINS := $(addsuffix .so,$(basename $(call found,tests/plugins/*/*.c tests/fault/*.c)))
TEST_WANTED = $(if $(ONLY),$(foreach t,$(UNIT_TESTS),$(if $(findstring $(ONLY),$(t)),$(t))),$(UNIT_TESTS))
TEST_BUILT = $(if $(filter yes,$(have_cmocka)),$(TEST_WANTED)) $(TEST_PLUGINS)

obj/tests/unit/%.o: $(S)/tests/unit/%.c obj/flags
	@mkdir -p $(@D)
	$(say_CC)$(C) $(INTERNAL) -I$(S)/tests/unit $(CMOCKA_CFLAGS) \
	    -DTEST_SOURCE_DIR='"$(abspath $(S))"' -DTEST_BUILD_DIR='"$(CURDIR)"' -c -o $@ $<
obj/libhelp.a: $(UNIT_HELP)
	$(say_AR)rm -f $@ && $(AR) cr $@ $^
$(UNIT_TESTS): tests/unit/%: obj/tests/unit/%.o obj/libhelp.a gen/libstages.a libcbtm.a
	@mkdir -p $(@D)
	$(say_CCLD)$(LINK) -o $@ $< obj/libhelp.a $(OURS) $(CMOCKA_LIBS) $(OUTSIDE_LIBS)
tests/plugins/%.so: TEST_SO = -fvisibility=hidden
tests/%.so: $(S)/tests/%.c obj/flags
	@mkdir -p $(@D)
	$(say_CCLD)$(C) -fPIC $(TEST_SO) -I$(S)/include -shared -MF $@.d -o $@ $<

-include $(patsubst %,obj/%.d,$(UNIT_TESTS)) $(UNIT_HELP:.o=.d) $(TEST_PLUGINS:=.d)

# make check, check-unit, check-cases ...: tests/run finds the tests in the tree. ONLY=TEXT picks
# those whose name holds TEXT; UPDATE=1 rewrites what cases expect.
RUN_TESTS = $(S)/tests/run --build . $(if $(UPDATE),--update) $(if $(ONLY),--only '$(ONLY)')
CHECKS := check-unit check-cases check-scripts check-style check-long
check-tests: all-local $(TEST_BUILT)
	@CC='$(CC)' $(RUN_TESTS) unit cases scripts fuzz style
check-unit: $(TEST_BUILT)
$(CHECKS): check-%: all-local $(TEST_PLUGINS)
	@CC='$(CC)' $(RUN_TESTS) $*
CHECKED += check-tests
.PHONY: check-tests $(CHECKS)

# The same under AddressSanitizer and UBSan, in a build folder of its own inside this one.
check-asan:
	mkdir -p asan && cd asan && $(abspath $(S))/configure -q --enable-asan --enable-ubsan --enable-fault
	$(MAKE) -C asan check
.PHONY: check-asan
