# SPDX-License-Identifier: MIT
# libcbtm.a: every lib/*/*.c and .cpp. Static, linked by programs and unit tests, never installed.
LIB_SOURCES := $(call found,lib/*/*.c lib/*/*.cpp)
LIB_OBJECTS := $(call object,$(LIB_SOURCES))
BUILT += libcbtm.a

obj/lib/%.o: $(S)/lib/%.c obj/flags
	@mkdir -p $(@D)
	$(say_CC)$(C) $(KERNEL) $(INTERNAL) -c -o $@ $<
obj/lib/%.o: $(S)/lib/%.cpp obj/flags
	@mkdir -p $(@D)
	$(say_CXX)$(CPP17) $(INTERNAL) -c -o $@ $<

# lib/X/NAME_avx512.c: kernels that are chosen by cpuid when the program runs. As flags, since gcc and clang have no pragma
# for a whole file in common.
AVX512 := $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vbmi \
	-mavx512vbmi2 -mgfni -mvaes -maes -mbmi -mbmi2 -mpopcnt -mlzcnt)
$(filter %_avx512.o,$(LIB_OBJECTS)): KERNEL = $(AVX512)

# The list as a file: a removed source leaves the archive too.
obj/lib.list: FORCE
	@mkdir -p obj
	@echo $(LIB_OBJECTS) >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
libcbtm.a: $(LIB_OBJECTS) obj/lib.list
	$(say_AR)rm -f $@ && $(AR) cr $@ $(LIB_OBJECTS) && $(RANLIB) $@

-include $(LIB_OBJECTS:.o=.d)
