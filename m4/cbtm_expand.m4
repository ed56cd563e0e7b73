# SPDX-License-Identifier: MIT
# CBTM_EXPAND(variable, text): sets the variable to the text with ${libdir}, ${prefix} ... written out.
AC_DEFUN([CBTM_EXPAND], [
  cbtm_save_prefix=$prefix cbtm_save_exec_prefix=$exec_prefix
  test "$prefix" = NONE && prefix=$ac_default_prefix
  test "$exec_prefix" = NONE && exec_prefix=$prefix
  $1=$2
  while :; do
    eval "cbtm_expanded=\"$$1\""
    test "$cbtm_expanded" = "$$1" && break
    $1=$cbtm_expanded
  done
  prefix=$cbtm_save_prefix exec_prefix=$cbtm_save_exec_prefix
])
