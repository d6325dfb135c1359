/* <assert.h>, with the place in the gateway's log. */
#undef assert
#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
_Noreturn void sg_panic(const char *message, const char *file, int line);
#define assert(condition) ((condition) ? (void)0 : sg_panic(#condition, __FILE__, __LINE__))
#endif
#define static_assert _Static_assert
