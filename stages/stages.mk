# SPDX-License-Identifier: MIT
# stages/NAME.c with `const struct cbtm_stage stage_NAME` -> the program cbtm-NAME. cbtm links all of
# them too, for their declarations: gen/stage_registry.c, in the order of the pipeline.
STAGE_ORDER := tokenize embed cluster shard train evaluate
STAGE_NAMES := $(basename $(notdir $(call found,stages/*.c)))
STAGES := $(filter $(STAGE_NAMES),$(STAGE_ORDER)) $(filter-out $(STAGE_ORDER),$(STAGE_NAMES))
STAGE_PROGRAMS := $(addprefix cbtm-,$(STAGES))
STAGE_OBJECTS := $(patsubst %,obj/stages/%.o,$(STAGES))
BUILT += $(STAGE_PROGRAMS)

obj/stages/%.o: $(S)/stages/%.c obj/flags
	@mkdir -p $(@D)
	$(say_CC)$(C) $(INTERNAL) -c -o $@ $<
obj/gen/%.o: gen/%.c obj/flags
	@mkdir -p $(@D)
	$(say_CC)$(C) $(INTERNAL) -c -o $@ $<
gen/main-%.c: $(S)/stages/stages.mk
	@mkdir -p gen
	@printf '#include "stage/stage.h"\nextern const struct cbtm_stage stage_$*;\nint main(int argc, char **argv)\n{\n\treturn stage_main(&stage_$*, argc, argv);\n}\n' >$@
gen/stage_registry.c: FORCE
	@mkdir -p gen
	@{ echo '#include "stage/stage.h"'; \
	  for s in $(STAGES); do echo "extern const struct cbtm_stage stage_$$s;"; done; \
	  echo 'const struct cbtm_stage *const stage_registry[] = {'; \
	  for s in $(STAGES); do echo "	&stage_$$s,"; done; echo '	0};'; } >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# Registry and stages as an archive: what asks for stage_registry gets all of them.
gen/libstages.a: obj/gen/stage_registry.o $(STAGE_OBJECTS)
	$(say_AR)rm -f $@ && $(AR) cr $@ $^ && $(RANLIB) $@
OURS = -Wl,--start-group gen/libstages.a libcbtm.a -Wl,--end-group

$(STAGE_PROGRAMS): cbtm-%: obj/gen/main-%.o gen/libstages.a libcbtm.a
	$(say_CCLD)$(LINK) -o $@ $< $(OURS) $(OUTSIDE_LIBS)

INSTALLED_EXEC += install-programs
install-programs: all-local
	$(MKDIR_P) "$(DESTDIR)$(bindir)"
	for p in $(STAGE_PROGRAMS) $(COMMAND_PROGRAM); do \
	    $(INSTALL_PROGRAM) $$p "$(DESTDIR)$(bindir)" || exit 1; done
.PHONY: install-programs
.SECONDARY: $(STAGES:%=gen/main-%.c) $(STAGES:%=obj/gen/main-%.o)

-include $(STAGE_OBJECTS:.o=.d)
