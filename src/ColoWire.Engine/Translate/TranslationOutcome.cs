// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Translate;

/// <summary>What <see cref="FrameTranslator"/> has done to a frame.</summary>
public enum TranslationOutcome : byte
{
    /// <summary>
    /// No byte has changed: the frame contains no number of the guest, or only such as are equal in both numberings.
    /// </summary>
    Unchanged,

    /// <summary>All numbers of the guest that the frame contains are those of the other numbering, and each checksum over them is
    /// updated.</summary>
    Translated,

    /// <summary>
    /// The number in the fixed part of the TCP header is translated, and no option is: the option list is cut short, or its SACK
    /// or timestamps option has a length that RFC 2018 section 3 or RFC 7323 section 3.2 does not allow.
    /// </summary>
    BadOption,

    /// <summary>
    /// No byte has changed, because the segment is signed (TCP MD5, RFC 2385; TCP-AO, RFC 5925): the signature covers the
    /// numbers, so that the receiver would discard a translated segment.
    /// </summary>
    Signed,

    /// <summary>
    /// No byte has changed: this is the first fragment of a TCP segment, and the TCP header continues in another fragment.
    /// </summary>
    HeaderCut,
}
