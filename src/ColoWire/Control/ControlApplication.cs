// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace ColoWire.Control;

/// <summary>Turns an HTTP request into an order, and its outcome into the response.</summary>
/// <param name="control">Carries orders out.</param>
/// <param name="status">Writes the answers to <c>status</c>.</param>
/// <param name="stopping">Cancelled when the server stops.</param>
/// <remarks>It uses the features of the server directly: an HttpContext for each request would be garbage.</remarks>
internal sealed class ControlApplication(ApplianceControl control, StatusReports status, CancellationToken stopping)
    : IHttpApplication<IFeatureCollection>
{
    private const string JsonType = "application/json";

    /// <inheritdoc/>
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    /// <inheritdoc/>
    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        ControlAnswer? refusal = Refusal(context, out ControlOrder? order);
        if (refusal is null && order is { Kind: OrderKind.Status })
        {
            StatusReports.Report report = status.Take();
            await AnswerAsync(context, StatusCodes.Status200OK, report.Bytes);
            status.GiveBack(report);
            return;
        }

        CancellationToken aborted = context.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
        ControlAnswer answer = refusal ?? await CarryOutAsync(order!, aborted);
        await AnswerAsync(context, answer.Status, answer.Body);
    }

    /// <inheritdoc/>
    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    private async Task<ControlAnswer> CarryOutAsync(ControlOrder order, CancellationToken aborted)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(aborted, stopping);
        try
        {
            return await control.CarryOutAsync(order, ending.Token);
        }
        catch (OperationCanceledException)
        {
            string why = stopping.IsCancellationRequested ? "ColoWire stops" : "the client has gone";
            return ControlAnswer.Refused(
                StatusCodes.Status503ServiceUnavailable, $"{why}: the order may not have been carried out");
        }
    }

    private static async Task AnswerAsync(IFeatureCollection context, int statusCode, ReadOnlyMemory<byte> body)
    {
        IHttpResponseFeature response = context.GetRequiredFeature<IHttpResponseFeature>();
        response.StatusCode = statusCode;
        response.Headers.ContentType = JsonType;
        response.Headers.ContentLength = body.Length;
        // When the client has gone, the server writes nothing.
        await context.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(body, CancellationToken.None);
    }

    /// <summary>The answer to a request that is not an order.</summary>
    /// <returns>Null when it is an order.</returns>
    private static ControlAnswer? Refusal(IFeatureCollection context, out ControlOrder? order)
    {
        IHttpRequestFeature request = context.GetRequiredFeature<IHttpRequestFeature>();
        IHeaderDictionary answer = context.GetRequiredFeature<IHttpResponseFeature>().Headers;
        order = Find(request.Path);
        if (context.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            // The body is not read, so no other request can follow on this connection.
            answer.Connection = "close";
            return ControlAnswer.Refused(StatusCodes.Status413PayloadTooLarge, "an order has no body: leave it out");
        }

        if (order is null)
        {
            string known = string.Join(", ", ControlOrder.All.Select(known => $"{known.Method} {known.Path}"));
            return ControlAnswer.Refused(StatusCodes.Status404NotFound, $"the path is unknown; known are {known}");
        }

        if (request.Method != order.Method)
        {
            answer.Allow = order.Method;
            return ControlAnswer.Refused(StatusCodes.Status405MethodNotAllowed, $"{order.Path} wants {order.Method}");
        }

        return request.QueryString.Length == 0
            ? null
            : ControlAnswer.Refused(
                StatusCodes.Status400BadRequest, $"{order.Path} takes no parameters: leave out what follows the question mark");
    }

    private static ControlOrder? Find(string path)
    {
        for (int i = 0; i < ControlOrder.All.Count; i++)
        {
            if (ControlOrder.All[i].Path == path)
            {
                return ControlOrder.All[i];
            }
        }

        return null;
    }
}
