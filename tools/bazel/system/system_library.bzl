"""Repository rules that present installed Debian packages as Bazel repositories."""

def _version(rctx, module, apt):
    result = rctx.execute(["pkg-config", "--modversion", module])
    if result.return_code != 0:
        fail("@%s needs the pkg-config module '%s'; try: apt-get install pkg-config %s" % (rctx.name, module, apt))
    return result.stdout.strip()

def _stamp(name, version):
    # A macro in every dependent's command line, so that another version of the
    # package gives other action keys: Bazel does not watch /usr/include.
    return "SYSTEM_%s=%s" % (name.upper(), version.replace("-", "_"))

def _libs(rctx, module):
    """The -l options of a module, each once, without ordering options."""
    result = rctx.execute(["pkg-config", "--libs-only-l", module])
    if result.return_code != 0:
        fail("pkg-config knows no module '%s'" % module)
    seen = {}
    for word in result.stdout.split(" "):
        word = word.strip()
        if word.startswith("-l") and word != "-latomic":
            seen[word] = True
    return seen.keys()

def _system_library_impl(rctx):
    versions = [_version(rctx, m, rctx.attr.apt) for m in rctx.attr.pkg_config]
    for tool in rctx.attr.tools:
        path = rctx.which(tool)
        if not path:
            fail("@%s needs the program '%s'; try: apt-get install %s" % (rctx.name, tool, rctx.attr.apt))
        rctx.symlink(path, tool)
    for name, target in rctx.attr.links.items():
        if not rctx.path(target).exists:
            fail("@%s needs %s; try: apt-get install %s" % (rctx.name, target, rctx.attr.apt))
        rctx.symlink(target, name)
    for name, label in rctx.attr.copies.items():
        rctx.template(name, Label(label))
    rctx.template("BUILD.bazel", rctx.attr.build_file, substitutions = {
        "%{stamp}": _stamp(rctx.name, versions[0] if versions else "0"),
    })

system_library = repository_rule(
    implementation = _system_library_impl,
    attrs = {
        "apt": attr.string(),
        "build_file": attr.label(mandatory = True, allow_single_file = True),
        "copies": attr.string_dict(),
        "links": attr.string_dict(),
        "pkg_config": attr.string_list(),
        "tools": attr.string_list(),
    },
    local = True,
)

# Upstream's label -> Debian's pkg-config module, where it is not absl_<target>.
_ABSL = {
    "absl/algorithm": ["container"],
    "absl/base": ["base", "config", "core_headers", "endian"],
    "absl/cleanup": ["cleanup"],
    "absl/container": ["btree", "fixed_array", "flat_hash_map", "flat_hash_set", "inlined_vector", "node_hash_map", "node_hash_set"],
    "absl/debugging": ["failure_signal_handler", "stacktrace", "symbolize"],
    "absl/flags": ["flag", "parse", "reflection", "usage"],
    "absl/functional": ["any_invocable", "bind_front", "function_ref"],
    "absl/hash": ["hash"],
    "absl/memory": ["memory"],
    "absl/meta": ["type_traits"],
    "absl/numeric": ["bits", "int128"],
    "absl/random": ["random"],
    "absl/status": ["status", "statusor"],
    "absl/strings": ["cord", "str_format", "strings"],
    "absl/synchronization": ["synchronization"],
    "absl/time": ["time"],
    "absl/types": ["any", "optional", "span", "variant"],
    "absl/utility": ["utility"],
}

_ABSL_MODULES = {
    "absl/algorithm:container": "absl_algorithm_container",
    "absl/flags:flag": "absl_flags",
    "absl/flags:parse": "absl_flags_parse",
    "absl/flags:reflection": "absl_flags_reflection",
    "absl/flags:usage": "absl_flags_usage",
    "absl/random:random": "absl_random_random",
}

def _absl_impl(rctx):
    version = _version(rctx, "absl_base", "libabsl-dev")
    rctx.file("BUILD.bazel", "")
    for package, targets in _ABSL.items():
        lines = [
            'load("@rules_cc//cc:defs.bzl", "cc_library")',
            'package(default_visibility = ["//visibility:public"])',
        ]
        for target in targets:
            key = package + ":" + target
            libs = _libs(rctx, _ABSL_MODULES.get(key, "absl_" + target))
            lines.append("cc_library(name = %r, linkopts = %r, defines = [%r])" % (target, libs, _stamp("absl", version)))
        rctx.file(package + "/BUILD.bazel", "\n".join(lines) + "\n")

absl_system_repository = repository_rule(implementation = _absl_impl, local = True)

def _googletest_impl(rctx):
    source = rctx.path("/usr/src/googletest")
    if not source.exists:
        fail("@%s needs /usr/src/googletest; try: apt-get install libgtest-dev libgmock-dev" % rctx.name)
    for entry in ["googletest", "googlemock"]:
        rctx.symlink("/usr/src/googletest/" + entry, entry)
    rctx.symlink("/usr/include/gtest", "include/gtest")
    rctx.symlink("/usr/include/gmock", "include/gmock")
    rctx.template("BUILD.bazel", rctx.attr._build_file)

googletest_source_repository = repository_rule(
    implementation = _googletest_impl,
    attrs = {"_build_file": attr.label(default = "//tools/bazel/system:googletest.BUILD")},
    local = True,
)

def _googleapis_impl(rctx):
    jar = rctx.path("/usr/share/java/proto-google-common-protos-1.16.0.jar")
    if not jar.exists:
        fail("@%s needs google/rpc/*.proto; try: apt-get install libgoogle-common-protos-java" % rctx.name)
    rctx.extract(jar)
    rctx.template("google/rpc/BUILD.bazel", rctx.attr._rpc_build)
    rctx.template("google/api/BUILD.bazel", rctx.attr._api_build)
    rctx.file("BUILD.bazel", "")

googleapis_system_repository = repository_rule(
    implementation = _googleapis_impl,
    attrs = {
        "_api_build": attr.label(default = "//tools/bazel/system:googleapis_api.BUILD"),
        "_rpc_build": attr.label(default = "//tools/bazel/system:googleapis_rpc.BUILD"),
    },
    local = True,
)
