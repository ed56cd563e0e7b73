# SPDX-License-Identifier: MIT
# cbtm: every commands/*.c. A file that defines `const struct command command_NAME` is a subcommand
# and stands in gen/command_registry.c; the others (main.c) are shared by them.
COMMAND_SOURCES := $(call found,commands/*.c)
COMMAND_OBJECTS := $(call object,$(COMMAND_SOURCES))
COMMAND_PROGRAM := $(if $(filter commands/main.c,$(COMMAND_SOURCES)),cbtm)
BUILT += $(COMMAND_PROGRAM)

obj/commands/%.o: $(S)/commands/%.c obj/flags
	@mkdir -p $(@D)
	$(say_CC)$(C) $(INTERNAL) -c -o $@ $<
gen/command_registry.c: FORCE
	@mkdir -p gen
	@names=$$(sed -n 's/^const struct command \(command_[a-z0-9_]*\).*/\1/p' $(COMMAND_SOURCES:%=$(S)/%) /dev/null); \
	{ echo '#include "commands/command.h"'; \
	  for c in $$names; do echo "extern const struct command $$c;"; done; \
	  echo 'const struct command *const command_registry[] = {'; \
	  for c in $$names; do echo "	&$$c,"; done; echo '	0};'; } >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

cbtm: $(COMMAND_OBJECTS) obj/gen/command_registry.o gen/libstages.a libcbtm.a
	$(say_CCLD)$(LINK) -o $@ $(COMMAND_OBJECTS) obj/gen/command_registry.o $(OURS) $(OUTSIDE_LIBS)

-include $(COMMAND_OBJECTS:.o=.d)
