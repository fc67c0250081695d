"""External repositories, all taken from this machine's Debian packages."""

load("//tools/bazel/system:system_library.bzl", "absl_system_repository", "googleapis_system_repository", "googletest_source_repository", "system_library")

def _local(name, path):
    native.local_repository(name = name, path = path)

def rules_repositories():
    """Rule sets that Bazel 4 would otherwise download."""
    _local("rules_cc", "tools/bazel/shims/rules_cc")
    _local("rules_java", "tools/bazel/shims/rules_java")
    _local("rules_proto", "tools/bazel/shims/rules_proto")
    _local("remote_coverage_tools", "tools/bazel/shims/coverage_tools")

def system_repositories():
    """The C++ libraries, under the names their own projects use."""
    system_library(
        name = "com_google_protobuf",
        build_file = "//tools/bazel/system:protobuf.BUILD",
        pkg_config = ["protobuf", "protobuf-lite"],
        tools = ["protoc"],
        links = {"well_known/google": "/usr/include/google"},
        copies = {
            "bazel/BUILD": "//tools/bazel/system:empty.BUILD",
            "bazel/cc_proto_library.bzl": "//tools/bazel/system:cc_proto_library.bzl.in",
            "bazel/proto_library.bzl": "//tools/bazel/system:proto_library.bzl.in",
        },
        apt = "libprotobuf-dev protobuf-compiler",
    )
    system_library(
        name = "com_github_grpc_grpc",
        build_file = "//tools/bazel/system:grpc.BUILD",
        pkg_config = ["grpc++", "grpc"],
        tools = ["grpc_cpp_plugin"],
        links = {"src/proto/grpc/health/v1/health.proto": "/usr/share/grpc-proto/grpc/health/v1/health.proto"},
        copies = {
            "bazel/BUILD": "//tools/bazel/system:empty.BUILD",
            "bazel/cc_grpc_library.bzl": "//tools/bazel/system:cc_grpc_library.bzl.in",
            "src/proto/grpc/health/v1/BUILD": "//tools/bazel/system:grpc_health.BUILD",
        },
        apt = "libgrpc++-dev protobuf-compiler-grpc grpc-proto",
    )
    system_library(
        name = "com_github_facebook_rocksdb",
        build_file = "//tools/bazel/system:rocksdb.BUILD",
        pkg_config = ["rocksdb"],
        apt = "librocksdb-dev",
    )
    system_library(
        name = "openssl",
        build_file = "//tools/bazel/system:openssl.BUILD",
        pkg_config = ["libcrypto", "libssl"],
        apt = "libssl-dev",
    )
    system_library(
        name = "lz4",
        build_file = "//tools/bazel/system:lz4.BUILD",
        pkg_config = ["liblz4"],
        apt = "liblz4-dev",
    )
    system_library(
        name = "com_github_google_benchmark",
        build_file = "//tools/bazel/system:benchmark.BUILD",
        pkg_config = ["benchmark"],
        apt = "libbenchmark-dev",
    )
    system_library(
        name = "cli11",
        build_file = "//tools/bazel/system:header_only.BUILD",
        pkg_config = ["CLI11"],
        apt = "libcli11-dev",
    )
    system_library(
        name = "nlohmann_json",
        build_file = "//tools/bazel/system:header_only.BUILD",
        pkg_config = ["nlohmann_json"],
        apt = "nlohmann-json3-dev",
    )
    absl_system_repository(name = "com_google_absl")
    googletest_source_repository(name = "com_google_googletest")
    googleapis_system_repository(name = "com_google_googleapis")
