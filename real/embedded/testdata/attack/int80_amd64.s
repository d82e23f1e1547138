#include "textflag.h"

// func int80(n, a, b uintptr) uintptr
TEXT ·int80(SB), NOSPLIT, $0-32
	MOVQ n+0(FP), AX
	MOVQ a+8(FP), BX
	MOVQ b+16(FP), CX
	XORQ DX, DX
	XORQ SI, SI
	XORQ DI, DI
	INT $0x80
	MOVQ AX, ret+24(FP)
	RET
