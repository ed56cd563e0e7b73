# SPDX-License-Identifier: MIT
# plugins/KIND/NAME.c, or all sources in a folder plugins/KIND/NAME/, -> plugins/KIND/NAME.so.
# A plugin sees include/ alone and links nothing of ours. What else it needs stands in
# plugins/KIND/NAME.mk: KIND/NAME_CFLAGS = ..., KIND/NAME_LIBS = $(OPENBLAS_LIBS).
# A folder with .cu files is left out where there is no nvcc.
PLUGIN_KINDS := embed cluster compute
PLUGIN_FILES := $(basename $(call found,plugins/*/*.c))
PLUGIN_FOLDERS := $(sort $(patsubst %/,%,$(dir $(call found,plugins/*/*/*.c plugins/*/*/*.cu))))
PLUGIN_CUDA := $(sort $(patsubst %/,%,$(dir $(call found,plugins/*/*/*.cu))))
PLUGINS := $(addsuffix .so,$(PLUGIN_FILES) $(if $(NVCC),$(PLUGIN_FOLDERS),$(filter-out $(PLUGIN_CUDA),$(PLUGIN_FOLDERS))))
BUILT += $(PLUGINS)

-include $(addprefix $(S)/,$(call found,plugins/*/*.mk))

# The objects of plugin $(1), a path without extension.
plugin_objects = $(call object,$(call found,$(1).c $(1)/*.c)) \
	$(patsubst %.cu,obj/%.cu.o,$(call found,$(1)/*.cu))
PLUGIN_C = $(C) -fPIC -fvisibility=hidden -I$(S)/include $($(1)_CFLAGS) -c
define plugin_rules
$(patsubst plugins/%,obj/plugins/%,$(1)).o: $(S)/$(1).c $(wildcard $(S)/$(1).mk) obj/flags
	@mkdir -p $$(@D)
	$$(say_CC)$$(call PLUGIN_C,$(patsubst plugins/%,%,$(1))) -o $$@ $$<
obj/$(1)/%.o: $(S)/$(1)/%.c $(wildcard $(S)/$(1).mk) obj/flags
	@mkdir -p $$(@D)
	$$(say_CC)$$(call PLUGIN_C,$(patsubst plugins/%,%,$(1))) -o $$@ $$<
obj/$(1)/%.cu.o: $(S)/$(1)/%.cu obj/flags
	@mkdir -p $$(@D)
	$$(say_CXX)$$(NVCC) -std=c++17 -O2 -Xcompiler -fPIC,-fvisibility=hidden -I$(S)/include $$($(patsubst plugins/%,%,$(1))_NVCCFLAGS) -c -o $$@ $$<
$(1).so: $(call plugin_objects,$(1))
	@mkdir -p $$(@D)
	$$(say_CCLD)$$(LINK) -shared -o $$@ $(call plugin_objects,$(1)) $$($(patsubst plugins/%,%,$(1))_LIBS) -lm
-include $(patsubst %.o,%.d,$(call plugin_objects,$(1)))
endef
$(foreach p,$(PLUGINS:.so=),$(eval $(call plugin_rules,$(p))))

INSTALLED_EXEC += install-plugins
install-plugins: $(PLUGINS)
	for p in $(patsubst plugins/%,%,$(PLUGINS)); do \
	    $(MKDIR_P) "$(DESTDIR)$(plugindir)/$$(dirname $$p)" && \
	    $(INSTALL_PROGRAM) plugins/$$p "$(DESTDIR)$(plugindir)/$$p" || exit 1; \
	done
.PHONY: install-plugins
