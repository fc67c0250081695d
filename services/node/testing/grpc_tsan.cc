// Suppressions for ThreadSanitizer in tests that run gRPC.
//
// Debian's gRPC is not instrumented and hands callbacks over under its own mutex, which ThreadSanitizer does not know:
// it reports gRPC's headers, as compiled into our programs, as racing with themselves. Each line names one such
// hand-over. Never a whole library or namespace: every handler has gRPC's frames below it, and real races would be
// hidden.
extern "C" const char* __tsan_default_suppressions() {
  return "race:grpc::internal::CallbackWithSuccessTag::StaticRun\n"
         "race:grpc::internal::CallbackWithStatusTag::StaticRun\n"
         "race:grpc::internal::CallbackUnaryHandler*RunHandler*lambda*\n"
         "race:grpc::internal::CallbackUnaryHandler*CallOnDone\n"
         // A call that was finished on another thread before gRPC had bound its reactor: answered from here.
         "race:grpc::ServerUnaryReactor::InternalBindCall\n"
         // gRPC's own services: reflection, health.
         "race:grpc::internal::CallbackBidiHandler\n"
         "race:grpc_tls_credentials_options::~grpc_tls_credentials_options\n"
         "race:grpc::internal::InterceptorBatchMethodsImpl\n"
         "race:std::_Function_handler*grpc::Server::CallbackRequest*\n";
}
