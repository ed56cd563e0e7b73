# SPDX-License-Identifier: MIT
# Manual pages, the reference of keys and the completion are made by cbtm from its own tables. What
# is installed besides programs and plugins: these, headers, the .pc file, pipelines and recipes.
PAGES := $(if $(COMMAND_PROGRAM),gen/doc/reference.md)
BUILT += $(PAGES)
gen/doc/reference.md: cbtm $(PLUGINS)
	$(call say,DOC)rm -rf gen/doc && ./cbtm document --out gen/doc --plugins plugins

INSTALLED_DATA += install-shared
UNINSTALLED += uninstall-shared
install-shared: $(PAGES)
	$(MKDIR_P) "$(DESTDIR)$(includedir)/cbtm" "$(DESTDIR)$(libdir)/pkgconfig" "$(DESTDIR)$(docdir)" \
	    "$(DESTDIR)$(mandir)/man1" "$(DESTDIR)$(datadir)/bash-completion/completions"
	$(INSTALL_DATA) $(S)/include/cbtm/*.h "$(DESTDIR)$(includedir)/cbtm"
	$(INSTALL_DATA) doc/cbtm-plugin.pc "$(DESTDIR)$(libdir)/pkgconfig"
	$(if $(PAGES),$(INSTALL_DATA) gen/doc/man/*.1 "$(DESTDIR)$(mandir)/man1")
	$(if $(PAGES),$(INSTALL_DATA) gen/doc/cbtm.bash "$(DESTDIR)$(datadir)/bash-completion/completions/cbtm")
	$(INSTALL_DATA) $(addprefix $(S)/,$(call found,NEWS README.md LICENSE doc/*.md)) "$(DESTDIR)$(docdir)"
	cd $(S) && find $(call found,pipeline.yaml experiments data doc/examples) -type f ! -name '*.pyc' | \
	    while read -r f; do \
	    d="$(DESTDIR)$(datadir)/cbtm/$$(dirname "$$f")"; m=644; test ! -x "$$f" || m=755; \
	    mkdir -p "$$d" && install -m $$m "$$f" "$$d" || exit 1; done
uninstall-shared:
	rm -rf "$(DESTDIR)$(includedir)/cbtm" "$(DESTDIR)$(libdir)/cbtm" "$(DESTDIR)$(datadir)/cbtm" \
	    "$(DESTDIR)$(docdir)" "$(DESTDIR)$(libdir)/pkgconfig/cbtm-plugin.pc" \
	    "$(DESTDIR)$(datadir)/bash-completion/completions/cbtm"
	rm -f $(patsubst %,"$(DESTDIR)$(bindir)/%",$(COMMAND_PROGRAM) $(STAGE_PROGRAMS)) \
	    "$(DESTDIR)$(mandir)/man1"/cbtm.1 "$(DESTDIR)$(mandir)/man1"/cbtm-*.1
.PHONY: install-shared uninstall-shared
