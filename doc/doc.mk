# SPDX-License-Identifier: MIT
# Headers, the plugin's .pc file, pipeline, experiments and recipes for `make install`.
INSTALLED_DATA += install-shared
install-shared:
	$(MKDIR_P) "$(DESTDIR)$(includedir)/cbtm" "$(DESTDIR)$(libdir)/pkgconfig"
	$(INSTALL_DATA) $(S)/include/cbtm/*.h "$(DESTDIR)$(includedir)/cbtm"
	$(INSTALL_DATA) doc/cbtm-plugin.pc "$(DESTDIR)$(libdir)/pkgconfig"
	for f in $(call found,pipeline.yaml experiments/*.yaml data/*); do \
	    $(MKDIR_P) "$(DESTDIR)$(datadir)/cbtm/$$(dirname $$f)" && \
	    cp -R "$(S)/$$f" "$(DESTDIR)$(datadir)/cbtm/$$f" || exit 1; \
	done
.PHONY: install-shared
